package io.ryegrass.registry;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;
import software.amazon.awssdk.http.AbortableInputStream;
import software.amazon.awssdk.http.ExecutableHttpRequest;
import software.amazon.awssdk.http.HttpExecuteRequest;
import software.amazon.awssdk.http.HttpExecuteResponse;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.SdkHttpFullResponse;

/** AWS's client on the JDK's HTTP client: the one on {@code HttpURLConnection} knows no PATCH. */
final class JdkHttpClient implements SdkHttpClient {
  /** Set by the HTTP client itself. */
  private static final Set<String> OWN = Set.of("host", "content-length", "expect", "connection");

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  @Override
  public ExecutableHttpRequest prepareRequest(HttpExecuteRequest request) {
    return new ExecutableHttpRequest() {
      @Override
      public HttpExecuteResponse call() throws IOException {
        return send(request);
      }

      @Override
      public void abort() {
        // a request of a test ends by its timeout
      }
    };
  }

  private HttpExecuteResponse send(HttpExecuteRequest request) throws IOException {
    byte[] body = new byte[0];
    if (request.contentStreamProvider().isPresent()) {
      try (var stream = request.contentStreamProvider().get().newStream()) {
        body = stream.readAllBytes();
      }
    }
    HttpRequest.Builder built =
        HttpRequest.newBuilder(request.httpRequest().getUri())
            .timeout(Duration.ofSeconds(60))
            .method(
                request.httpRequest().method().name(),
                body.length == 0
                    ? HttpRequest.BodyPublishers.noBody()
                    : HttpRequest.BodyPublishers.ofByteArray(body));
    request
        .httpRequest()
        .forEachHeader(
            (name, values) -> {
              if (!OWN.contains(name.toLowerCase(Locale.ROOT))) {
                values.forEach(value -> built.header(name, value));
              }
            });
    try {
      HttpResponse<byte[]> answer =
          http.send(built.build(), HttpResponse.BodyHandlers.ofByteArray());
      SdkHttpFullResponse.Builder response =
          SdkHttpFullResponse.builder().statusCode(answer.statusCode());
      answer.headers().map().forEach(response::putHeader);
      return HttpExecuteResponse.builder()
          .response(response.build())
          .responseBody(
              AbortableInputStream.create(new java.io.ByteArrayInputStream(answer.body())))
          .build();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new UncheckedIOException(new IOException("interrupted", e));
    }
  }

  @Override
  public String clientName() {
    return "jdk";
  }

  @Override
  public void close() {
    http.close();
  }
}
