package io.ryegrass.bench.lambda;

import io.ryegrass.bench.report.BenchFailed;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * A caller on the daemon port, as thin as can be: what is measured is the core and the function.
 * One thread.
 */
final class DoorClient implements AutoCloseable {
  private final Socket socket;
  private final InputStream in;
  private final OutputStream out;
  private final String token;
  private int status;
  private String invocation = "";
  private String functionError = "";

  DoorClient(int port, String token) {
    this.token = token;
    try {
      socket = new Socket(InetAddress.getLoopbackAddress(), port);
      socket.setTcpNoDelay(true);
      socket.setSoTimeout(90_000);
      in = new BufferedInputStream(socket.getInputStream(), 16 * 1024);
      out = socket.getOutputStream();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static byte[] get(int port, String path) {
    try (DoorClient client = new DoorClient(port, "")) {
      return client.exchange("GET", path, "", new byte[0]);
    }
  }

  /** A call and its answer. */
  byte[] call(String arn, byte[] payload) {
    post(arn, payload, "RequestResponse");
    if (status != 200) {
      throw new BenchFailed("a call of " + arn + " was refused with " + status);
    }
    byte[] answer =
        exchange(
            "GET",
            "/2016-11-01/functions/" + arn,
            "X-Amz-InvocationId: " + invocation + "\r\n",
            new byte[0]);
    if (status != 200 || !functionError.isEmpty()) {
      throw new BenchFailed(
          arn
              + " failed: "
              + status
              + " "
              + functionError
              + " "
              + new String(answer, StandardCharsets.UTF_8));
    }
    return answer;
  }

  /** Work that nobody waits for; the status. */
  int post(String arn, byte[] payload, String type) {
    byte[] unused =
        exchange(
            "POST",
            "/2016-11-01/functions/" + arn,
            "X-Amz-Invocation-Type: " + type + "\r\n",
            payload);
    return status;
  }

  private byte[] exchange(String method, String path, String headers, byte[] body) {
    byte[] head =
        (method
                + " "
                + path
                + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: "
                + token
                + "\r\n"
                + headers
                + "Content-Length: "
                + body.length
                + "\r\n\r\n")
            .getBytes(StandardCharsets.ISO_8859_1);
    byte[] all = new byte[head.length + body.length];
    System.arraycopy(head, 0, all, 0, head.length);
    System.arraycopy(body, 0, all, head.length, body.length);
    try {
      out.write(all);
      String line = line();
      status = Integer.parseInt(line.substring(9, 12));
      functionError = "";
      int length = 0;
      while (!(line = line()).isEmpty()) {
        int colon = line.indexOf(':');
        String value = line.substring(colon + 1).strip();
        switch (line.substring(0, colon).toLowerCase(Locale.ROOT)) {
          case "content-length" -> length = Integer.parseInt(value);
          case "x-amz-invocationid" -> invocation = value;
          case "x-amz-function-error" -> functionError = value;
          default -> {}
        }
      }
      return in.readNBytes(length);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String line() throws IOException {
    StringBuilder line = new StringBuilder();
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0) {
        throw new IOException("the core closed the connection");
      }
      if (b != '\r') {
        line.append((char) b);
      }
    }
    return line.toString();
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
