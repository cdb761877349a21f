package io.ryegrass.bench.lambda;

import io.ryegrass.bench.report.BenchFailed;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A caller on the daemon port, as thin as can be: what is measured is the core and the function.
 * One thread.
 */
final class DoorClient implements AutoCloseable {
  private final Socket socket;
  private final InputStream in;
  private byte[] buffer = new byte[16 * 1024];
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
      in = socket.getInputStream();
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
    byte[] all = Arrays.copyOf(head, head.length + body.length);
    System.arraycopy(body, 0, all, head.length, body.length);
    try {
      out.write(all);
      return answer();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Head and body in as few reads as they come in. */
  private byte[] answer() throws IOException {
    int got = 0;
    int end;
    while ((end = headEnd(got)) < 0) {
      got += read(got);
    }
    String head = new String(buffer, 0, end, StandardCharsets.ISO_8859_1);
    status = Integer.parseInt(head.substring(9, 12));
    String length = header(head, "Content-Length: ");
    invocation = header(head, "X-Amz-InvocationId: ");
    functionError = header(head, "X-Amz-Function-Error: ");
    int whole = end + (length.isEmpty() ? 0 : Integer.parseInt(length));
    if (whole > buffer.length) {
      buffer = Arrays.copyOf(buffer, whole);
    }
    while (got < whole) {
      got += read(got);
    }
    return Arrays.copyOfRange(buffer, end, whole);
  }

  private int read(int at) throws IOException {
    int some = at == buffer.length ? 0 : in.read(buffer, at, buffer.length - at);
    if (some <= 0) {
      throw new IOException("the core closed the connection, or its answer has no end");
    }
    return some;
  }

  /** Where the body begins, or -1. */
  private int headEnd(int got) {
    for (int i = 3; i < got; i++) {
      if (buffer[i] == '\n' && buffer[i - 2] == '\n') {
        return i + 1;
      }
    }
    return -1;
  }

  /** As the core writes them; empty when it is missing. */
  private static String header(String head, String name) {
    int at = head.indexOf("\n" + name);
    return at < 0
        ? ""
        : head.substring(at + 1 + name.length(), head.indexOf('\r', at + 1 + name.length()));
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
