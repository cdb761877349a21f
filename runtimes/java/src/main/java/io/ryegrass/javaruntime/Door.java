package io.ryegrass.javaruntime;

import com.amazonaws.greengrass.common.EnvVars;
import com.amazonaws.greengrass.ipcsdk.IPCException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * HTTP/1.1 to the core's daemon port on plain sockets: the JDK's own clients cost tens of
 * milliseconds of every cold start, and more than the question itself afterwards.
 *
 * <p>Connections are kept and shared by all threads; one that stood idle for some seconds is not
 * used again for anything but a GET: the core may just be closing it, and a POST that is sent twice
 * would be a message delivered twice. No lambdas and no {@code String.format} in here: both start
 * machinery of the JVM that a cold start would wait for.
 */
public final class Door {
  public static final String FUNCTIONS = "/2016-11-01/functions/";
  private static final long REUSABLE_NANOS = TimeUnit.SECONDS.toNanos(10);
  private static final int CONNECT_MILLIS = 10_000;
  private static final int MOST_CONNECTIONS = 64;
  private static final int LARGEST_HEAD = 64 * 1024;
  private static final Map<String, Door> DOORS = new HashMap<>();

  private final int port;
  private final String start;
  private final ConcurrentLinkedDeque<Connection> idle = new ConcurrentLinkedDeque<>();
  private final Semaphore connections = new Semaphore(MOST_CONNECTIONS);

  private Door(int port, String token) {
    this.port = port;
    this.start =
        " HTTP/1.1\r\nHost: 127.0.0.1:"
            + port
            + (token.isEmpty() ? "" : "\r\nAuthorization: " + token)
            + "\r\n";
  }

  /** The door for a token; one set of connections however often it is asked for. */
  public static Door of(@Nullable String token) {
    String known = token == null ? "" : token;
    String port = EnvVars.GG_DAEMON_PORT;
    synchronized (DOORS) {
      Door door = DOORS.get(known);
      if (door == null) {
        door = new Door(port == null || port.isEmpty() ? 8000 : Integer.parseInt(port), known);
        DOORS.put(known, door);
      }
      return door;
    }
  }

  /** What the core answered; names of headers are lower case. */
  public static final class Response {
    private final int status;
    private final Map<String, String> headers;
    private final byte[] body;

    Response(int status, Map<String, String> headers, byte[] body) {
      this.status = status;
      this.headers = headers;
      this.body = body;
    }

    public int status() {
      return status;
    }

    public @Nullable String header(String name) {
      return headers.get(name);
    }

    public byte[] body() {
      return body;
    }
  }

  /**
   * Asks, and waits for the answer.
   *
   * @param timeoutMillis longest time without a byte from the core
   * @throws IPCException when nobody answers, or the answer is not 2xx
   */
  public Response call(
      String method, String path, Map<String, String> headers, byte[] body, int timeoutMillis) {
    byte[] request = request(method, path, headers, body);
    try {
      if (!connections.tryAcquire(timeoutMillis, TimeUnit.MILLISECONDS)) {
        throw new IPCException(
            MOST_CONNECTIONS + " calls to the core wait for their answers already.", 429);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IPCException("The call was interrupted.", e);
    }
    Response response;
    try {
      response = exchange(request, method.equals("GET"), timeoutMillis);
    } finally {
      connections.release();
    }
    if (response.status < 200 || response.status > 299) {
      throw new IPCException(
          method
              + " "
              + path
              + " was refused with status "
              + response.status
              + ": "
              + new String(response.body, StandardCharsets.UTF_8),
          response.status);
    }
    return response;
  }

  private byte[] request(String method, String path, Map<String, String> headers, byte[] body) {
    StringBuilder head = new StringBuilder(256);
    head.append(method).append(' ').append(path).append(start);
    for (Map.Entry<String, String> header : headers.entrySet()) {
      String value = header.getValue();
      for (int i = 0; i < value.length(); i++) {
        if (value.charAt(i) < ' ' || value.charAt(i) > '~') {
          throw new IPCException(
              "The header " + header.getKey() + " may not hold line ends or letters beyond ASCII.",
              400);
        }
      }
      head.append(header.getKey()).append(": ").append(value).append("\r\n");
    }
    if (!method.equals("GET")) {
      head.append("Content-Length: ").append(body.length).append("\r\n");
    }
    byte[] first = head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1);
    byte[] all = new byte[first.length + body.length];
    System.arraycopy(first, 0, all, 0, first.length);
    System.arraycopy(body, 0, all, first.length, body.length);
    return all;
  }

  private Response exchange(byte[] request, boolean repeatable, int timeoutMillis) {
    while (true) {
      Connection connection = idle.pollFirst();
      boolean fresh = connection == null;
      try {
        if (connection == null) {
          connection = new Connection(port);
        } else if (System.nanoTime() - connection.idleSince > REUSABLE_NANOS) {
          connection.close();
          continue;
        }
        Response response = connection.exchange(request, timeoutMillis);
        if (connection.reusable) {
          connection.idleSince = System.nanoTime();
          idle.offerFirst(connection);
        } else {
          connection.close();
        }
        return response;
      } catch (IOException e) {
        if (connection != null) {
          connection.close();
        }
        // A stale connection says nothing about the core; a fresh one does.
        if (fresh || !repeatable) {
          throw new IPCException("The core does not answer on 127.0.0.1:" + port + ": " + e, e);
        }
      }
    }
  }

  /** One connection, used by one thread at a time. */
  private static final class Connection {
    private final Socket socket = new Socket();
    private final InputStream in;
    private final byte[] buffer = new byte[16 * 1024];
    private int at;
    private int filled;
    private long idleSince;
    private boolean reusable = true;

    Connection(int port) throws IOException {
      // "localhost" may resolve to ::1 first; the core listens on 127.0.0.1 only.
      socket.connect(
          new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), port),
          CONNECT_MILLIS);
      socket.setTcpNoDelay(true);
      in = socket.getInputStream();
    }

    void close() {
      try {
        socket.close();
      } catch (IOException e) {
        reusable = false; // it is gone either way
      }
    }

    Response exchange(byte[] request, int timeoutMillis) throws IOException {
      socket.setSoTimeout(timeoutMillis);
      socket.getOutputStream().write(request);
      String line = line();
      if (!line.startsWith("HTTP/1.") || line.length() < 12) {
        throw new IOException("its answer is no HTTP");
      }
      int status = number(line.substring(9, 12), 10);
      Map<String, String> headers = new HashMap<>();
      int size = 0;
      for (line = line(); !line.isEmpty(); line = line()) {
        size += line.length();
        if (size > LARGEST_HEAD) {
          throw new IOException("the head of its answer is too large");
        }
        int colon = line.indexOf(':');
        if (colon > 0) {
          headers.put(
              line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).trim());
        }
      }
      reusable = !"close".equalsIgnoreCase(headers.get("connection"));
      byte[] body;
      String length = headers.get("content-length");
      if (status == 204 || status == 304) {
        body = new byte[0];
      } else if ("chunked".equalsIgnoreCase(headers.get("transfer-encoding"))) {
        body = chunks();
      } else if (length != null) {
        body = bytes(number(length, 10));
      } else {
        body = rest();
      }
      return new Response(status, Collections.unmodifiableMap(headers), body);
    }

    private static int number(String text, int radix) throws IOException {
      try {
        int number = Integer.parseInt(text, radix);
        if (number >= 0) {
          return number;
        }
      } catch (NumberFormatException e) {
        // told below
      }
      throw new IOException("its answer is no HTTP: " + text);
    }

    private boolean fill() throws IOException {
      at = 0;
      filled = Math.max(0, in.read(buffer));
      return filled > 0;
    }

    private String line() throws IOException {
      StringBuilder text = new StringBuilder(64);
      while (true) {
        if (at == filled && !fill()) {
          throw new IOException("it closed the connection");
        }
        char c = (char) (buffer[at++] & 0xff);
        if (c == '\n') {
          return text.toString();
        }
        if (c != '\r') {
          text.append(c);
          if (text.length() > LARGEST_HEAD) {
            throw new IOException("its answer is no HTTP");
          }
        }
      }
    }

    private byte[] bytes(int length) throws IOException {
      byte[] all = new byte[length];
      int have = Math.min(length, filled - at);
      System.arraycopy(buffer, at, all, 0, have);
      at += have;
      while (have < length) {
        int n = in.read(all, have, length - have);
        if (n < 0) {
          throw new IOException("it closed the connection within an answer");
        }
        have += n;
      }
      return all;
    }

    private byte[] chunks() throws IOException {
      ByteArrayOutputStream all = new ByteArrayOutputStream();
      while (true) {
        String size = line();
        int end = size.indexOf(';');
        int length = number((end < 0 ? size : size.substring(0, end)).trim(), 16);
        if (length == 0) {
          while (!line().isEmpty()) {
            // trailers say nothing that is wanted
          }
          return all.toByteArray();
        }
        all.write(bytes(length));
        line();
      }
    }

    private byte[] rest() throws IOException {
      reusable = false;
      ByteArrayOutputStream all = new ByteArrayOutputStream();
      do {
        all.write(buffer, at, filled - at);
      } while (fill());
      return all.toByteArray();
    }
  }
}
