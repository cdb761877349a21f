package io.ryegrass.devicegateway;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/** One HTTP request and its answer, whichever listener it came in by. */
abstract class HttpCall {

  /** Writes a body that is not held in memory. */
  @FunctionalInterface
  interface Body {
    void writeTo(OutputStream out) throws IOException;
  }

  private static final JsonMapper JSON = JsonMapper.shared();

  abstract String method();

  abstract String rawPath();

  /** Without the question mark; empty when there is none. */
  abstract String rawQuery();

  /** By lower-case names. */
  abstract Map<String, List<String>> headers();

  /** What TLS has proven; null for nothing. */
  abstract @Nullable X509Certificate certificate();

  /** IP address of the client. */
  abstract String peer();

  abstract InputStream body();

  abstract void answer(int status, Map<String, String> answerHeaders, byte[] body);

  /** An answer whose length is known and whose body is streamed. */
  abstract void answer(int status, Map<String, String> answerHeaders, long length, Body body)
      throws IOException;

  final @Nullable String header(String lowerCaseName) {
    List<String> values = headers().get(lowerCaseName);
    return values == null || values.isEmpty() ? null : values.getFirst();
  }

  /** The whole body, or null when it is longer than the bound. */
  final byte @Nullable [] body(int maxBytes) throws IOException {
    try (InputStream in = body()) {
      byte[] read = in.readNBytes(maxBytes + 1);
      return read.length > maxBytes ? null : read;
    }
  }

  /** An error in the form of restJson1: the code in a header, the message in the body. */
  final void error(int status, String code, String message) {
    answer(
        status,
        Map.of("Content-Type", "application/json", "x-amzn-ErrorType", code),
        JSON.writeValueAsString(Map.of("message", message)).getBytes(StandardCharsets.UTF_8));
  }
}
