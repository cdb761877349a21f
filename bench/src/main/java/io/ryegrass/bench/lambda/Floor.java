package io.ryegrass.bench.lambda;

import io.ryegrass.bench.report.Program;
import io.ryegrass.bench.report.Report;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * What the machine takes without Ryegrass, to read the calls against: a bare Python process with
 * one socket gives back the same payload at the same quiet rate, as bytes and taken apart as JSON
 * and put together again. No HTTP, no core, no third process.
 */
final class Floor {
  private static final String PEER =
      """
      import json, socket, sys
      listener = socket.socket()
      listener.bind(('127.0.0.1', 0))
      listener.listen(1)
      print('port', listener.getsockname()[1], flush=True)
      connection = listener.accept()[0]
      connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
      while True:
          line = connection.recv(65536)
          if not line:
              sys.exit()
          while not line.endswith(b'\\n'):
              line += connection.recv(65536)
          if sys.argv[1] == 'json':
              line = json.dumps(json.loads(line)).encode() + b'\\n'
          connection.sendall(line)
      """;

  private final Report report;
  private final Options options;

  Floor(Report report, Options options) {
    this.report = report;
    this.options = options;
  }

  void run() {
    for (String kind : List.of("bytes", "json")) {
      long[] took = measure(kind);
      report.percentiles("floor_python_" + kind, took, null, null);
    }
  }

  private long[] measure(String kind) {
    try (Program peer =
            Program.start(
                "a bare Python process",
                List.of("python3", "-c", PEER, kind),
                "port ",
                line -> true);
        Socket socket =
            new Socket(
                InetAddress.getLoopbackAddress(),
                Integer.parseInt(peer.awaitReady().line().substring("port ".length()).strip()));
        BufferedReader in =
            new BufferedReader(
                new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8))) {
      socket.setTcpNoDelay(true);
      byte[] line = Function.text(new String(CallCases.payload(), StandardCharsets.UTF_8) + "\n");
      return CallCases.atQuietRate(
          options.seconds(),
          () -> {
            try {
              socket.getOutputStream().write(line);
              String unused = in.readLine();
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
