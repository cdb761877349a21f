package io.ryegrass.bench.cloud;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.ryegrass.awssignature.Credentials;
import io.ryegrass.awssignature.HttpRequestToSign;
import io.ryegrass.awssignature.SigV4Signer;
import io.ryegrass.bench.report.BenchFailed;
import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.URI;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The cloud's API: each {@link Caller} is one connection that is kept, on which signed requests go
 * out one after the other. It does what a client must and nothing else, so that on a machine that
 * it shares with the cloud the cloud has most of the processor.
 */
public record Api(String host, int port, String region, Credentials credentials) {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final int TIMEOUT_MILLIS = 120_000;

  public Caller caller() {
    return new Caller();
  }

  /** What was answered; anything but 2xx is in {@code status}. */
  public record Answer(int status, byte[] body) {
    public JsonNode json() {
      return body.length == 0 ? JSON.createObjectNode() : JSON.readTree(body);
    }

    public String text() {
      return new String(body, UTF_8);
    }
  }

  /** One connection, for one thread at a time. */
  public final class Caller implements Closeable {
    private final Socket socket;
    private final InputStream in;
    private final String authority = host + ":" + port;

    private Caller() {
      try {
        socket = new Socket(host, port);
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(TIMEOUT_MILLIS);
        in = new BufferedInputStream(socket.getInputStream(), 16 << 10);
      } catch (IOException e) {
        throw new UncheckedIOException("cannot connect to the API at " + host + ":" + port, e);
      }
    }

    /** The answer's JSON; anything but 2xx is a failure of the benchmark. */
    public JsonNode get(String service, String path) {
      return ok("GET", service, path, "").json();
    }

    public JsonNode post(String service, String path, String body) {
      return ok("POST", service, path, body).json();
    }

    public JsonNode put(String service, String path, String body) {
      return ok("PUT", service, path, body).json();
    }

    private Answer ok(String method, String service, String path, String body) {
      Answer answer = call(method, service, path, body, Map.of());
      if (answer.status() / 100 != 2) {
        throw new BenchFailed(
            method + " " + path + " was answered " + answer.status() + " " + answer.text());
      }
      return answer;
    }

    public Answer call(
        String method, String service, String path, String body, Map<String, String> headers) {
      byte[] bytes = body.getBytes(UTF_8);
      URI uri = URI.create("http://" + authority + path);
      Map<String, String> signed =
          SigV4Signer.sign(
              credentials,
              region,
              service,
              new HttpRequestToSign(
                  method,
                  uri.getRawPath(),
                  uri.getRawQuery() == null ? "" : uri.getRawQuery(),
                  Map.of("host", List.of(authority))),
              bytes,
              Instant.now());
      StringBuilder head = new StringBuilder(512);
      head.append(method).append(' ').append(path).append(" HTTP/1.1\r\nhost: ").append(authority);
      signed.forEach((name, value) -> line(head, name, value));
      headers.forEach((name, value) -> line(head, name, value));
      line(head, "content-type", "application/json");
      line(head, "content-length", String.valueOf(bytes.length));
      head.append("\r\n\r\n");
      byte[] first = head.toString().getBytes(ISO_8859_1);
      byte[] whole = new byte[first.length + bytes.length];
      System.arraycopy(first, 0, whole, 0, first.length);
      System.arraycopy(bytes, 0, whole, first.length, bytes.length);
      try {
        socket.getOutputStream().write(whole);
        return answer();
      } catch (IOException e) {
        throw new UncheckedIOException(method + " " + path + " was not answered: " + e, e);
      }
    }

    private static void line(StringBuilder head, String name, String value) {
      head.append("\r\n").append(name).append(": ").append(value);
    }

    private Answer answer() throws IOException {
      String status = line();
      int length = 0;
      for (String header = line(); !header.isEmpty(); header = line()) {
        String lower = header.toLowerCase(Locale.ROOT);
        if (lower.startsWith("content-length:")) {
          length = Integer.parseInt(header.substring(15).strip());
        } else if (lower.startsWith("transfer-encoding:")) {
          throw new IOException("an answer of unannounced length, which this client cannot read");
        }
      }
      byte[] body = in.readNBytes(length);
      if (body.length < length) {
        throw new EOFException("the answer is cut off");
      }
      return new Answer(Integer.parseInt(status.substring(9, 12)), body);
    }

    private String line() throws IOException {
      StringBuilder line = new StringBuilder(64);
      int c;
      while ((c = in.read()) != '\n') {
        if (c < 0) {
          throw new EOFException("the cloud closed the connection");
        }
        if (c != '\r') {
          line.append((char) c);
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
}
