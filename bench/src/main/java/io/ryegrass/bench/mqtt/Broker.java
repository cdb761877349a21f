package io.ryegrass.bench.mqtt;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** A running broker: a process, its two addresses. */
record Broker(
    String name, Process process, int plainPort, Optional<Integer> tlsPort, boolean java, Path log)
    implements Closeable {
  ProcFs stats() {
    return new ProcFs(process.pid());
  }

  boolean serves(boolean tls) {
    return !tls || tlsPort.isPresent();
  }

  InetSocketAddress address(boolean tls) {
    return new InetSocketAddress("127.0.0.1", tls ? tlsPort.orElseThrow() : plainPort);
  }

  /** Bytes of live objects, after a full collection that this asks for. */
  long liveHeap() throws IOException, InterruptedException {
    Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
    Process asked =
        new ProcessBuilder(jcmd.toString(), Long.toString(process.pid()), "GC.class_histogram")
            .redirectErrorStream(true)
            .start();
    String said = new String(asked.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    asked.waitFor();
    return said.lines()
        .filter(l -> l.startsWith("Total"))
        .map(l -> Long.parseLong(l.trim().split("\\s+")[2]))
        .findFirst()
        .orElseThrow(() -> new IOException("jcmd did not tell the heap of " + name + ": " + said));
  }

  String lastWords() {
    try {
      String all = Files.readString(log, StandardCharsets.ISO_8859_1).strip();
      return all.substring(Math.max(0, all.length() - 600));
    } catch (IOException e) {
      return "it left no log";
    }
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
