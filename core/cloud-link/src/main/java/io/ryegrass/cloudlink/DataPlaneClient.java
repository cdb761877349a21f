package io.ryegrass.cloudlink;

import io.ryegrass.nucleus.CloudRefusedException;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.NucleusException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * HTTPS with the core's certificate: the Greengrass data plane (v2-deployments.md section 7), and
 * the plain requests that artifacts and credentials need. Every call ends in a bounded time with an
 * answer, a {@link CloudUnavailableException} (try again later: no connection, a deadline, 429,
 * 5xx) or a {@link CloudRefusedException} (trying again does not help).
 *
 * <p>Nothing is made before the first call. For any number of threads.
 */
public final class DataPlaneClient implements AutoCloseable {
  private static final Duration CONNECT = Duration.ofSeconds(10);
  private static final Duration WHOLE_CALL = Duration.ofSeconds(30);
  private static final int MAX_ANSWER = 16 << 20;

  /** Which servers are trusted: the cloud's only, or those of public stores, too. */
  enum Trust {
    CLOUD,
    DOWNLOADS
  }

  /** An answer of the cloud with its body in memory. */
  record Answer(int status, HttpHeaders headers, byte[] body) {}

  private final String base;
  private final Supplier<CoreTls> tls;
  private final ReentrantLock making = new ReentrantLock();
  private volatile @Nullable HttpClient cloud;
  private volatile @Nullable HttpClient downloads;

  DataPlaneClient(LinkSettings settings, Supplier<CoreTls> tls) {
    this.base = "https://" + settings.dataPlaneHost() + ":" + settings.dataPlanePort();
    this.tls = tls;
  }

  /**
   * Calls the data plane.
   *
   * @param path path and query as they shall stand on the wire
   * @param body null sends none
   * @return the body of a 2xx answer, an empty object when there is none
   * @throws CloudUnavailableException when trying again later may help
   * @throws CloudRefusedException when it does not; the code is one of v2-deployments.md section 6
   */
  public JsonNode call(String method, String path, @Nullable JsonNode body) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(base + path)).header("accept", "application/json");
    if (body == null) {
      request.method(method, HttpRequest.BodyPublishers.noBody());
    } else {
      request
          .header("content-type", "application/json")
          .method(method, HttpRequest.BodyPublishers.ofString(body.toString()));
    }
    String what = method + " " + base + path;
    return json(what, exchange(what, Trust.CLOUD, request));
  }

  /** The tree of a 2xx answer; other answers become exceptions. */
  static JsonNode json(String what, Answer answer) {
    if (answer.status() / 100 != 2) {
      throw refusal(what, answer);
    }
    if (answer.body().length == 0) {
      return JsonMapper.shared().createObjectNode();
    }
    try {
      return JsonMapper.shared().readTree(answer.body());
    } catch (JacksonException e) {
      throw new CloudRefusedException(
          "CLOUD_API_ERROR",
          "The answer to " + what + " is not JSON; check the endpoints in config.yaml.",
          e);
    }
  }

  /** Section 6: error code by status; what may pass is {@link CloudUnavailableException}. */
  static NucleusException refusal(String what, Answer answer) {
    int status = answer.status();
    String reason = reason(answer);
    String sentence = "The cloud answered " + what + " with " + status + reason;
    if (status == 429 || status >= 500) {
      return new CloudUnavailableException(sentence + ".");
    }
    return switch (status) {
      case 400 -> new CloudRefusedException("BAD_REQUEST", sentence + ".");
      case 401, 403 ->
          new CloudRefusedException(
              "ACCESS_DENIED",
              sentence
                  + "; check that the core's certificate is active and its policies allow it.");
      case 404 -> new CloudRefusedException("RESOURCE_NOT_FOUND", sentence + ".");
      case 409 -> new CloudRefusedException("CONFLICTED_REQUEST", sentence + ".");
      default -> new CloudRefusedException("HTTP_REQUEST_ERROR", sentence + ".");
    };
  }

  /** The {@code message} of an error body with the error type, as the end of a sentence. */
  private static String reason(Answer answer) {
    String type =
        answer.headers().firstValue("x-amzn-errortype").map(t -> t.split(":", 2)[0]).orElse("");
    String message = message(answer);
    String text = type.isEmpty() || message.isEmpty() ? type + message : type + ": " + message;
    return text.isEmpty() ? "" : " (" + text + ")";
  }

  /** The {@code message} of an error body, empty when it has none. */
  static String message(Answer answer) {
    try {
      JsonNode body = JsonMapper.shared().readTree(answer.body());
      String lower = body.path("message").asString("");
      return lower.isEmpty() ? body.path("Message").asString("") : lower;
    } catch (JacksonException e) {
      String text = new String(answer.body(), StandardCharsets.UTF_8).strip();
      return text.length() > 200 ? text.substring(0, 200) + "…" : text;
    }
  }

  /** One request with its answer in memory, whatever the status. */
  Answer exchange(String what, Trust trust, HttpRequest.Builder request) {
    HttpResponse<byte[]> r =
        send(
            what,
            trust,
            request.timeout(WHOLE_CALL).build(),
            BodyHandlers.limiting(BodyHandlers.ofByteArray(), MAX_ANSWER));
    return new Answer(r.statusCode(), r.headers(), r.body());
  }

  /** One request whose body the caller reads, and closes; the deadline is that of the headers. */
  HttpResponse<InputStream> open(String what, Trust trust, HttpRequest.Builder request) {
    return send(what, trust, request.timeout(WHOLE_CALL).build(), BodyHandlers.ofInputStream());
  }

  private <T> HttpResponse<T> send(
      String what, Trust trust, HttpRequest request, HttpResponse.BodyHandler<T> handler) {
    CompletableFuture<HttpResponse<T>> answer = client(trust).sendAsync(request, handler);
    try {
      return answer.get(WHOLE_CALL.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      answer.cancel(true);
      throw new CloudUnavailableException(
          what + " had no answer within " + WHOLE_CALL.toSeconds() + " s.", e);
    } catch (InterruptedException e) {
      answer.cancel(true);
      Thread.currentThread().interrupt();
      throw new CloudUnavailableException(what + " was interrupted.", e);
    } catch (ExecutionException e) {
      throw unavailable(what, e.getCause() == null ? e : e.getCause());
    }
  }

  static CloudUnavailableException unavailable(String what, Throwable cause) {
    String why =
        switch (cause) {
          case ConnectException c when c.getCause() instanceof UnresolvedAddressException ->
              "the host's name is unknown";
          case UnknownHostException _ -> "the host's name is unknown";
          case ConnectException _ -> "nothing answers there";
          case SSLException s -> "the TLS connection failed: " + s.getMessage();
          default -> cause.getMessage() == null ? cause.toString() : cause.getMessage();
        };
    return new CloudUnavailableException(what + " failed: " + why + ".", cause);
  }

  private HttpClient client(Trust trust) {
    HttpClient made = trust == Trust.CLOUD ? cloud : downloads;
    if (made != null) {
      return made;
    }
    making.lock();
    try {
      made = trust == Trust.CLOUD ? cloud : downloads;
      if (made == null) {
        CoreTls identity = tls.get();
        made =
            HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(CONNECT)
                .executor(Executors.newVirtualThreadPerTaskExecutor())
                .sslContext(trust == Trust.CLOUD ? identity.context() : identity.downloadContext())
                .build();
        if (trust == Trust.CLOUD) {
          cloud = made;
        } else {
          downloads = made;
        }
      }
      return made;
    } finally {
      making.unlock();
    }
  }

  /** Ends all requests. */
  @Override
  public void close() {
    for (HttpClient c : new HttpClient[] {cloud, downloads}) {
      if (c != null) {
        c.shutdownNow();
      }
    }
  }
}
