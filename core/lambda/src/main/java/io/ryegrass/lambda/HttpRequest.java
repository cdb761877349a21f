package io.ryegrass.lambda;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * One request of a worker. It is answered exactly once, from any thread; of the headers only those
 * that the daemon port knows are kept.
 */
final class HttpRequest {
  private static final byte[] NOTHING = {};

  /** Headers that mean something here. */
  enum Header {
    AUTHORIZATION("authorization"),
    INVOCATION_ID("x-amz-invocationid"),
    CLIENT_CONTEXT("x-amz-client-context"),
    INVOCATION_TYPE("x-amz-invocation-type"),
    FUNCTION_ERROR("x-amz-function-error"),
    RUNTIME_ERROR_TYPE("lambda-runtime-function-error-type"),
    CONTENT_LENGTH("content-length"),
    TRANSFER_ENCODING("transfer-encoding"),
    EXPECT("expect"),
    CONNECTION("connection");

    private static final Header[] ALL = values();
    private final byte[] name;

    Header(String name) {
      this.name = name.getBytes(StandardCharsets.US_ASCII);
    }

    static @Nullable Header of(byte[] in, int from, int to) {
      for (Header h : ALL) {
        if (h.name.length == to - from && h.is(in, from)) {
          return h;
        }
      }
      return null;
    }

    private boolean is(byte[] in, int from) {
      for (int i = 0; i < name.length; i++) {
        int c = in[from + i];
        if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != name[i]) {
          return false;
        }
      }
      return true;
    }
  }

  private final HttpConnection connection;
  private final String method;
  private final String path;
  private final String[] headers;
  private final AtomicBoolean answered = new AtomicBoolean();
  private byte[] body = NOTHING;
  private volatile @Nullable Runnable whenGone;

  private HttpRequest(HttpConnection connection, String method, String path, String[] headers) {
    this.connection = connection;
    this.method = method;
    this.path = path;
    this.headers = headers;
  }

  /**
   * Reads a head.
   *
   * @param to index of the empty line's end
   * @throws Refusal 400 when it is none
   */
  static HttpRequest parse(HttpConnection connection, byte[] in, int from, int to) {
    int lineEnd = lineEnd(in, from, to);
    int first = indexOf(in, ' ', from, lineEnd);
    int second = first < 0 ? -1 : indexOf(in, ' ', first + 1, lineEnd);
    if (second < 0) {
      throw new Refusal(400, "This is not HTTP/1.1.");
    }
    String[] headers = new String[Header.ALL.length];
    int at = lineEnd + 2;
    while (at < to) {
      int end = lineEnd(in, at, to);
      int colon = indexOf(in, ':', at, end);
      Header known = colon < 0 ? null : Header.of(in, at, colon);
      if (known != null) {
        int begin = colon + 1;
        int last = end;
        while (begin < last && in[begin] == ' ') {
          begin++;
        }
        while (last > begin && in[last - 1] == ' ') {
          last--;
        }
        headers[known.ordinal()] = new String(in, begin, last - begin, StandardCharsets.ISO_8859_1);
      }
      at = end + 2;
    }
    return new HttpRequest(
        connection,
        new String(in, from, first - from, StandardCharsets.ISO_8859_1),
        path(new String(in, first + 1, second - first - 1, StandardCharsets.ISO_8859_1)),
        headers);
  }

  /** Without scheme and host, where a client sends them, and without a query. */
  private static String path(String target) {
    String path = target;
    if (path.startsWith("http://")) {
      int slash = path.indexOf('/', "http://".length());
      path = slash < 0 ? "/" : path.substring(slash);
    }
    int query = path.indexOf('?');
    return query < 0 ? path : path.substring(0, query);
  }

  private static int lineEnd(byte[] in, int from, int to) {
    int end = indexOf(in, '\r', from, to);
    return end < 0 ? to : end;
  }

  private static int indexOf(byte[] in, char wanted, int from, int to) {
    for (int i = from; i < to; i++) {
      if (in[i] == wanted) {
        return i;
      }
    }
    return -1;
  }

  String method() {
    return method;
  }

  String path() {
    return path;
  }

  /** Empty when it is missing. */
  String header(Header header) {
    String value = headers[header.ordinal()];
    return value == null ? "" : value;
  }

  byte[] body() {
    return body;
  }

  void body(byte[] all) {
    body = all;
  }

  /**
   * The announced length of the body, or -1 when it comes in chunks.
   *
   * @throws Refusal 400 when it is not a number
   */
  long contentLength() {
    if (header(Header.TRANSFER_ENCODING).toLowerCase(Locale.ROOT).endsWith("chunked")) {
      return -1;
    }
    String length = header(Header.CONTENT_LENGTH);
    if (length.isEmpty()) {
      return 0;
    }
    try {
      long number = Long.parseLong(length);
      if (number >= 0) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Refused below, as a negative number is.
    }
    throw new Refusal(400, "Content-Length is \"" + length + "\", which is not a length.");
  }

  /** Called on the port's thread when the client leaves before it is answered. */
  void whenGone(Runnable task) {
    whenGone = task;
  }

  void gone() {
    Runnable task = whenGone;
    if (task != null && answered.compareAndSet(false, true)) {
      task.run();
    }
  }

  void answer(HttpAnswer answer) {
    if (answered.compareAndSet(false, true)) {
      connection.answer(this, answer);
    }
  }

  void answer(int status) {
    answer(new HttpAnswer(status));
  }

  void answer(int status, byte[] content) {
    answer(new HttpAnswer(status).body(content));
  }
}
