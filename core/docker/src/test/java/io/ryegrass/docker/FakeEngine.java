package io.ryegrass.docker;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.URLDecoder;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The image part of the Docker Engine API on a Unix socket, as its documentation has it: inspect,
 * create (a stream of progress lines in chunks) and delete.
 */
final class FakeEngine implements AutoCloseable {
  final Set<String> images = ConcurrentHashMap.newKeySet();
  final Set<String> inUse = ConcurrentHashMap.newKeySet();
  final List<String> pulled = new CopyOnWriteArrayList<>();
  final List<String> logins = new CopyOnWriteArrayList<>();

  /** Calls that the client broke off, as it may when it has heard enough, and the end. */
  final List<String> ends = new CopyOnWriteArrayList<>();

  /** What the engine says instead of pulling: by name, empty for silence. */
  final Map<String, String> errors = new ConcurrentHashMap<>();

  /** Answers before the first progress line. */
  final Map<String, Integer> statuses = new ConcurrentHashMap<>();

  private final Path socket;
  private final ServerSocketChannel listener;

  FakeEngine(Path folder) throws IOException {
    this.socket = folder.resolve("engine.sock");
    this.listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    listener.bind(UnixDomainSocketAddress.of(socket));
    Thread.ofVirtual().start(this::accept);
  }

  String host() {
    return "unix://" + socket;
  }

  private void accept() {
    try {
      while (true) {
        SocketChannel c = listener.accept();
        Thread.ofVirtual().start(() -> serve(c));
      }
    } catch (IOException e) {
      ends.add("closed");
    }
  }

  private void serve(SocketChannel c) {
    try (c) {
      InputStream in = Channels.newInputStream(c);
      OutputStream out = Channels.newOutputStream(c);
      ByteArrayOutputStream head = new ByteArrayOutputStream();
      while (!head.toString(StandardCharsets.ISO_8859_1).endsWith("\r\n\r\n")) {
        int b = in.read();
        if (b < 0) {
          return;
        }
        head.write(b);
      }
      String[] lines = head.toString(StandardCharsets.ISO_8859_1).split("\r\n");
      String method = lines[0].split(" ")[0];
      String target = lines[0].split(" ")[1];
      if (target.equals("/version")) {
        answer(out, 200, "{\"Version\":\"20.10.24\",\"ApiVersion\":\"1.41\"}");
      } else if (method.equals("POST")) {
        for (String l : lines) {
          if (l.startsWith("X-Registry-Auth: ")) {
            logins.add(
                new String(
                    java.util.Base64.getUrlDecoder().decode(l.substring(17)),
                    StandardCharsets.UTF_8));
          }
        }
        pull(out, target);
      } else {
        String name = target.substring("/images/".length()).replaceAll("/json$", "");
        if (!images.contains(name)) {
          answer(out, 404, "{\"message\":\"No such image: " + name + "\"}");
        } else if (method.equals("DELETE") && inUse.contains(name)) {
          answer(out, 409, "{\"message\":\"conflict: a container uses it\"}");
        } else {
          if (method.equals("DELETE")) {
            images.remove(name);
          }
          answer(out, 200, "{\"Id\":\"sha256:1\"}");
        }
      }
    } catch (IOException e) {
      ends.add("broken off");
    }
  }

  private void pull(OutputStream out, String target) throws IOException {
    String query = URLDecoder.decode(target.replaceAll(".*fromImage=", ""), StandardCharsets.UTF_8);
    String name = query.substring(0, query.indexOf("&tag="));
    String tag = query.substring(query.indexOf("&tag=") + 5);
    String whole = name + (tag.contains(":") ? "@" : ":") + tag;
    pulled.add(whole);
    if (statuses.containsKey(whole)) {
      answer(out, statuses.get(whole), "{\"message\":\"" + errors.get(whole) + "\"}");
      return;
    }
    out.write(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            .getBytes(StandardCharsets.US_ASCII));
    chunk(out, "{\"status\":\"Pulling from " + name + "\"}\r\n{\"status\":\"Down");
    chunk(out, "loading\",\"progressDetail\":{\"current\":1,\"total\":2}}\r\n");
    String error = errors.get(whole);
    if (error != null && error.isEmpty()) {
      try {
        Thread.sleep(60_000);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      return;
    }
    if (error != null) {
      chunk(
          out, "{\"errorDetail\":{\"message\":\"" + error + "\"},\"error\":\"" + error + "\"}\r\n");
    } else {
      images.add(whole);
      chunk(out, "{\"status\":\"Status: Downloaded newer image\"}\r\n");
    }
    out.write("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
  }

  private static void chunk(OutputStream out, String text) throws IOException {
    byte[] b = text.getBytes(StandardCharsets.UTF_8);
    out.write((Integer.toHexString(b.length) + "\r\n").getBytes(StandardCharsets.US_ASCII));
    out.write(b);
    out.write("\r\n".getBytes(StandardCharsets.US_ASCII));
    out.flush();
  }

  private static void answer(OutputStream out, int status, String json) throws IOException {
    byte[] b = json.getBytes(StandardCharsets.UTF_8);
    out.write(
        ("HTTP/1.1 " + status + " X\r\nContent-Length: " + b.length + "\r\n\r\n")
            .getBytes(StandardCharsets.US_ASCII));
    out.write(b);
  }

  @Override
  public void close() throws IOException {
    listener.close();
  }
}
