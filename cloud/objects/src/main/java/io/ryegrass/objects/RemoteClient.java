package io.ryegrass.objects;

import io.ryegrass.awssignature.HttpRequestToSign;
import io.ryegrass.awssignature.SigV4Signer;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpResponse;
import java.time.Clock;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Signed requests to another S3-compatible server. */
final class RemoteClient implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RemoteClient.class);
  private static final Duration CONNECT = Duration.ofSeconds(10);
  private static final Duration ANSWER = Duration.ofSeconds(60);
  private static final long SLOWEST_BYTES_PER_SECOND = 256 << 10;
  private static final int TRIES = 3;

  private final RemoteServer server;
  private final Clock clock;
  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(CONNECT)
          .followRedirects(HttpClient.Redirect.NEVER)
          .build();
  private final ScheduledThreadPoolExecutor deadlines =
      new ScheduledThreadPoolExecutor(
          1, Thread.ofPlatform().daemon().name("objects-deadlines").factory());

  RemoteClient(RemoteServer server, Clock clock) {
    this.server = server;
    this.clock = clock;
    deadlines.setRemoveOnCancelPolicy(true);
  }

  /**
   * A request.
   *
   * @param path encoded, from the slash on
   * @param query decoded
   * @param headers by lower-case name
   */
  record Request(
      String method, String path, Map<String, String> query, Map<String, String> headers) {}

  /** A body that can be sent again. */
  record Body(BodyPublisher publisher, long length, String sha256) {
    static final Body NONE =
        new Body(HttpRequest.BodyPublishers.noBody(), 0, Checksums.hex("SHA-256", new byte[0]));

    static Body of(byte[] bytes) {
      return new Body(
          HttpRequest.BodyPublishers.ofByteArray(bytes),
          bytes.length,
          Checksums.hex("SHA-256", bytes));
    }

    static Body of(StagedObject staged) {
      try {
        return new Body(
            HttpRequest.BodyPublishers.ofFile(staged.file()),
            staged.size(),
            staged.checksums().sha256Hex());
      } catch (IOException e) {
        throw S3Exception.io("reading " + staged.file(), e);
      }
    }
  }

  /**
   * Sends, again when the server could not be reached or had a failure; all requests of S3 may be
   * repeated. The body of the answer must be closed.
   *
   * @throws S3Exception {@code ServiceUnavailable}
   */
  HttpResponse<InputStream> send(Request request, Body body) {
    for (int tries = 1; ; tries++) {
      try {
        HttpResponse<InputStream> response =
            http.send(signed(request, body), HttpResponse.BodyHandlers.ofInputStream());
        if (tries == TRIES || response.statusCode() < 500 || response.statusCode() == 501) {
          return response;
        }
        response.body().close();
      } catch (IOException e) {
        if (tries == TRIES) {
          throw unavailable(e);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw unavailable(e);
      }
      pause(tries);
    }
  }

  private void pause(int tries) {
    try {
      Thread.sleep(ThreadLocalRandom.current().nextLong(100L << tries));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw unavailable(e);
    }
  }

  private S3Exception unavailable(Exception cause) {
    return new S3Exception(
        "ServiceUnavailable",
        503,
        "The object server "
            + server.endpoint()
            + " cannot be reached ("
            + cause.getClass().getSimpleName()
            + (cause.getMessage() == null ? "" : ": " + cause.getMessage())
            + "); try again when it is",
        cause);
  }

  private HttpRequest signed(Request request, Body body) {
    StringBuilder query = new StringBuilder();
    new TreeMap<>(request.query())
        .forEach(
            (name, value) ->
                query
                    .append(query.isEmpty() ? "" : "&")
                    .append(UriText.encode(name, false))
                    .append('=')
                    .append(UriText.encode(value, false)));
    Map<String, List<String>> headers = new LinkedHashMap<>();
    request.headers().forEach((name, value) -> headers.put(name, List.of(value)));
    headers.put("host", List.of(server.host()));
    Map<String, String> added =
        SigV4Signer.sign(
            server.credentials(),
            server.region(),
            "s3",
            new HttpRequestToSign(request.method(), request.path(), query.toString(), headers),
            body.sha256(),
            clock.instant());
    String root = server.endpoint().getScheme() + "://" + server.host();
    HttpRequest.Builder builder =
        HttpRequest.newBuilder(
                URI.create(root + request.path() + (query.isEmpty() ? "" : "?" + query)))
            .timeout(ANSWER.plusSeconds(body.length() / SLOWEST_BYTES_PER_SECOND))
            .method(request.method(), body.publisher());
    request.headers().forEach(builder::header);
    added.forEach(builder::header);
    return builder.build();
  }

  /** The bytes of an answer; a server that falls silent in the middle ends them. */
  InputStream body(HttpResponse<InputStream> response) {
    return new FilterInputStream(response.body()) {
      @Override
      public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
      }

      @Override
      public int read(byte[] buffer, int offset, int count) throws IOException {
        ScheduledFuture<?> deadline =
            deadlines.schedule(this::giveUp, ANSWER.toSeconds(), TimeUnit.SECONDS);
        try {
          return in.read(buffer, offset, count);
        } finally {
          deadline.cancel(false);
        }
      }

      private void giveUp() {
        try {
          in.close();
        } catch (IOException e) {
          LOG.debug("closing an answer of {} failed: {}", server.endpoint(), e.getMessage());
        }
      }
    };
  }

  @Override
  public void close() {
    deadlines.shutdownNow();
    http.shutdownNow();
  }
}
