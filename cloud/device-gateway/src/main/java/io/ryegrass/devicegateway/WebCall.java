package io.ryegrass.devicegateway;

import io.ryegrass.mqtt.WebHost;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.cert.X509Certificate;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A request of the listener that MQTT and HTTP share; both bodies are in memory. */
final class WebCall extends HttpCall {

  private final WebHost.Request request;
  private WebHost.@Nullable Response response;

  WebCall(WebHost.Request request) {
    this.request = request;
  }

  WebHost.Response response() {
    WebHost.Response given = response;
    if (given == null) {
      throw new IllegalStateException(method() + " " + rawPath() + " was not answered");
    }
    return given;
  }

  @Override
  String method() {
    return request.method();
  }

  @Override
  String rawPath() {
    int query = request.uri().indexOf('?');
    return query < 0 ? request.uri() : request.uri().substring(0, query);
  }

  @Override
  String rawQuery() {
    int query = request.uri().indexOf('?');
    return query < 0 ? "" : request.uri().substring(query + 1);
  }

  @Override
  Map<String, List<String>> headers() {
    return request.headers();
  }

  @Override
  @Nullable X509Certificate certificate() {
    return request.certificates().isEmpty() ? null : request.certificates().getFirst();
  }

  @Override
  String peer() {
    return request.peer().getAddress() == null
        ? request.peer().getHostString()
        : request.peer().getAddress().getHostAddress();
  }

  @Override
  InputStream body() {
    return new ByteArrayInputStream(request.body());
  }

  @Override
  void answer(int status, Map<String, String> answerHeaders, byte[] body) {
    response = new WebHost.Response(status, new HashMap<>(answerHeaders), body);
  }

  @Override
  void answer(int status, Map<String, String> answerHeaders, long length, Body body)
      throws IOException {
    ByteArrayOutputStream whole = new ByteArrayOutputStream();
    body.writeTo(whole);
    answer(status, answerHeaders, whole.toByteArray());
  }
}
