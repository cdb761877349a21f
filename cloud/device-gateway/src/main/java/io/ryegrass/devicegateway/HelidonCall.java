package io.ryegrass.devicegateway;

import io.helidon.http.HeaderNames;
import io.helidon.http.Status;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A request of the API or HTTPS listener: the only place that knows that HTTP server's types. */
final class HelidonCall extends HttpCall {

  private final ServerRequest request;
  private final ServerResponse response;
  private final Map<String, List<String>> headers = new HashMap<>();

  HelidonCall(ServerRequest request, ServerResponse response) {
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

  @Override
  String method() {
    return request.prologue().method().text();
  }

  @Override
  String rawPath() {
    return request.prologue().uriPath().rawPath();
  }

  @Override
  String rawQuery() {
    String query = request.prologue().query().rawValue();
    return query == null ? "" : query;
  }

  @Override
  Map<String, List<String>> headers() {
    return headers;
  }

  @Override
  @Nullable X509Certificate certificate() {
    Certificate[] chain = request.remotePeer().tlsCertificates().orElse(new Certificate[0]);
    return chain.length > 0 && chain[0] instanceof X509Certificate certificate ? certificate : null;
  }

  @Override
  String peer() {
    return request.remotePeer().host();
  }

  @Override
  InputStream body() {
    return request.content().hasEntity()
        ? new WellFormedBody(request.content().inputStream())
        : InputStream.nullInputStream();
  }

  @Override
  void answer(int status, Map<String, String> answerHeaders, byte[] body) {
    head(status, answerHeaders);
    if (body.length == 0) {
      response.send();
    } else {
      response.send(body);
    }
  }

  @Override
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
}
