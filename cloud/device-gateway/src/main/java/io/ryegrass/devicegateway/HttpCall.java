package io.ryegrass.devicegateway;

import io.helidon.http.HeaderNames;
import io.helidon.http.Status;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/** One HTTP request and its answer: the only place that knows the HTTP server's types. */
final class HttpCall {

  /** Writes a body that is not held in memory. */
  @FunctionalInterface
  interface Body {
    void writeTo(OutputStream out) throws IOException;
  }

  private static final JsonMapper JSON = JsonMapper.shared();

  private final ServerRequest request;
  private final ServerResponse response;
  private final Map<String, List<String>> headers = new HashMap<>();

  HttpCall(ServerRequest request, ServerResponse response) {
    this.request = request;
    this.response = response;
    request
        .headers()
        .forEach(
            h ->
                headers
                    .computeIfAbsent(h.name().toLowerCase(Locale.ROOT), k -> new ArrayList<>())
                    .addAll(h.allValues()));
  }

  String method() {
    return request.prologue().method().text();
  }

  String rawPath() {
    return request.prologue().uriPath().rawPath();
  }

  String rawQuery() {
    String query = request.prologue().query().rawValue();
    return query == null ? "" : query;
  }

  Map<String, List<String>> headers() {
    return headers;
  }

  @Nullable String header(String lowerCaseName) {
    List<String> values = headers.get(lowerCaseName);
    return values == null || values.isEmpty() ? null : values.getFirst();
  }

  ServerRequest server() {
    return request;
  }

  InputStream body() {
    return request.content().hasEntity()
        ? new WellFormedBody(request.content().inputStream())
        : InputStream.nullInputStream();
  }

  /** The whole body, or null when it is longer than the bound. */
  byte @Nullable [] body(int maxBytes) throws IOException {
    try (InputStream in = body()) {
      byte[] read = in.readNBytes(maxBytes + 1);
      return read.length > maxBytes ? null : read;
    }
  }

  void answer(int status, Map<String, String> answerHeaders, byte[] body) {
    head(status, answerHeaders);
    if (body.length == 0) {
      response.send();
    } else {
      response.send(body);
    }
  }

  /** An answer whose length is known and whose body is streamed. */
  void answer(int status, Map<String, String> answerHeaders, long length, Body body)
      throws IOException {
    head(status, answerHeaders);
    if (method().equals("HEAD")) {
      response.header(HeaderNames.CONTENT_LENGTH, Long.toString(length));
      response.send();
      return;
    }
    if (length == 0) {
      response.send();
      return;
    }
    response.contentLength(length);
    try (OutputStream out = response.outputStream()) {
      body.writeTo(out);
    }
  }

  private void head(int status, Map<String, String> answerHeaders) {
    response.status(Status.create(status));
    answerHeaders.forEach(
        (name, value) -> {
          if (!name.equalsIgnoreCase("content-length")) {
            response.header(HeaderNames.create(name), value);
          }
        });
  }

  /** An error in the form of restJson1: the code in a header, the message in the body. */
  void error(int status, String code, String message) {
    answer(
        status,
        Map.of("Content-Type", "application/json", "x-amzn-ErrorType", code),
        JSON.writeValueAsString(Map.of("message", message)).getBytes(StandardCharsets.UTF_8));
  }
}
