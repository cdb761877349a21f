package io.ryegrass.cloudlink;

import io.ryegrass.model.Json;
import io.ryegrass.nucleus.CloudRefusedException;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
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
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * HTTPS with the core's certificate: the Greengrass data plane (v2-deployments.md section 7), and
 * the plain requests that artifacts and credentials need. Every call ends in a bounded time with an
 * answer, a {@link CloudUnavailableException} (try again later: no connection, a deadline, 429,
 * 5xx) or a {@link CloudRefusedException} (trying again does not help).
 *
 * <p>Nothing is made before the first call. For any number of threads.
 */
public final class DataPlaneClient implements AutoCloseable {
  private static final int MAX_ANSWER = 16 << 20;

  /** The data plane's name in ALPN (PXY-02); servers without it go by the second. */
  private static final String[] ALPN = {"x-amzn-http-ca", "http/1.1"};

  /** Which servers are trusted, and who is shown to them. */
  enum Trust {
    /** The cloud's only. */
    CLOUD,
    /** The cloud's and those of public stores. */
    DOWNLOADS,
    /** The same, but the core's certificate is not shown: any server on the internet. */
    ANYBODY
  }

  /** An answer of the cloud with its body in memory. */
  record Answer(int status, HttpHeaders headers, byte[] body) {}

  private final String base;
  private final String dataEndpoint;
  private final HttpsSettings settings;
  private final Supplier<CoreTls> tls;
  private final ReentrantLock making = new ReentrantLock();
  private final Map<Trust, HttpClient> clients = new ConcurrentHashMap<>();
  private volatile @Nullable ProxyRelay relay;

  DataPlaneClient(LinkSettings link, HttpsSettings settings, Supplier<CoreTls> tls) {
    this.base = "https://" + link.dataPlaneHost() + ":" + link.dataPlanePort();
    this.dataEndpoint = "https://" + link.dataHost() + ":" + link.dataPlanePort();
    this.settings = settings;
    this.tls = tls;
  }

  /** Scheme, host and port of the data plane. */
  String base() {
    return base;
  }

  /** How long an answer, or the next part of a body, may keep a caller waiting. */
  Duration idle() {
    return settings.idle();
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
    return callAt(base, method, path, body);
  }

  /** As {@link #call}, at the data endpoint of AWS IoT, where shadows are (mqtt-cloud §3.4). */
  JsonNode callData(String method, String path, @Nullable JsonNode body) {
    return callAt(dataEndpoint, method, path, body);
  }

  private JsonNode callAt(String at, String method, String path, @Nullable JsonNode body) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(at + path)).header("accept", "application/json");
    if (body == null) {
      request.method(method, HttpRequest.BodyPublishers.noBody());
    } else {
      request
          .header("content-type", "application/json")
          .method(method, HttpRequest.BodyPublishers.ofString(Json.text(body)));
    }
    String what = method + " " + at + path;
    return json(what, exchange(what, Trust.CLOUD, request));
  }

  /** The tree of a 2xx answer; other answers become exceptions. */
  static JsonNode json(String what, Answer answer) {
    if (answer.status() / 100 != 2) {
      throw refusal(what, answer);
    }
    if (answer.body().length == 0) {
      return Json.object();
    }
    try {
      return Json.read(answer.body());
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
      return new CloudUnavailableException(sentence + ".", status);
    }
    return switch (status) {
      case 400 -> new CloudRefusedException("BAD_REQUEST", sentence + ".", status);
      case 401, 403 ->
          new CloudRefusedException(
              "ACCESS_DENIED",
              sentence + "; check that the core's certificate is active and its policies allow it.",
              status);
      case 404 -> new CloudRefusedException("RESOURCE_NOT_FOUND", sentence + ".", status);
      case 409 -> new CloudRefusedException("CONFLICTED_REQUEST", sentence + ".", status);
      default -> new CloudRefusedException("HTTP_REQUEST_ERROR", sentence + ".", status);
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
      JsonNode body = Json.read(answer.body());
      String lower = body.path("message").asString("");
      return lower.isEmpty() ? body.path("Message").asString("") : lower;
    } catch (JacksonException e) {
      String text = new String(answer.body(), StandardCharsets.UTF_8).strip();
      return text.length() > 200 ? text.substring(0, 200) + "…" : text;
    }
  }

  /** One request with its answer in memory, whatever the status. */
  Answer exchange(String what, Trust trust, HttpRequest.Builder request) {
    return exchange(what, trust, request, settings.idle());
  }

  /**
   * @param limit for the answer's head, and once more for its body
   */
  Answer exchange(String what, Trust trust, HttpRequest.Builder request, Duration limit) {
    HttpResponse<byte[]> r =
        send(
            what,
            trust,
            request,
            limit,
            BodyHandlers.limiting(BodyHandlers.ofByteArray(), MAX_ANSWER));
    return new Answer(r.statusCode(), r.headers(), r.body());
  }

  /** One request whose body the caller reads, and closes; the deadline is that of the headers. */
  HttpResponse<InputStream> open(String what, Trust trust, HttpRequest.Builder request) {
    return send(what, trust, request, settings.idle(), BodyHandlers.ofInputStream());
  }

  private <T> HttpResponse<T> send(
      String what,
      Trust trust,
      HttpRequest.Builder builder,
      Duration limit,
      HttpResponse.BodyHandler<T> handler) {
    HttpClient client = client(trust);
    HttpRequest request = throughProxy(builder.timeout(limit)).build();
    CompletableFuture<HttpResponse<T>> answer = client.sendAsync(request, handler);
    Duration whole = settings.connect().plus(limit.multipliedBy(2));
    try {
      return answer.get(whole.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      answer.cancel(true);
      throw new CloudUnavailableException(
          what + " had no answer within " + whole.toSeconds() + " s.", e);
    } catch (InterruptedException e) {
      answer.cancel(true);
      Thread.currentThread().interrupt();
      throw new CloudUnavailableException(what + " was interrupted.", e);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      ProxyRelay way = relay;
      String problem = way == null ? null : way.problem();
      if (problem != null && String.valueOf(cause.getMessage()).startsWith("Tunnel failed")) {
        throw new CloudUnavailableException(what + " failed: " + problem, cause);
      }
      throw unavailable(what, cause);
    }
  }

  /** A request that goes through the relay carries the relay's secret. */
  private HttpRequest.Builder throughProxy(HttpRequest.Builder request) {
    ProxyRelay way = relay;
    String host = request.build().uri().getHost();
    return way == null || settings.proxy().forHost(host).isEmpty()
        ? request
        : request.setHeader("proxy-authorization", way.authorization());
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
    HttpClient made = clients.get(trust);
    if (made != null) {
      return made;
    }
    making.lock();
    try {
      made = clients.get(trust);
      if (made == null) {
        made = make(trust, tls.get());
        clients.put(trust, made);
      }
      return made;
    } finally {
      making.unlock();
    }
  }

  private HttpClient make(Trust trust, CoreTls identity) {
    HttpClient.Builder b =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(settings.connect())
            .executor(Executors.newVirtualThreadPerTaskExecutor())
            .sslContext(
                switch (trust) {
                  case CLOUD -> identity.context();
                  case DOWNLOADS -> identity.downloadContext();
                  case ANYBODY -> identity.anonymousContext();
                });
    if (trust == Trust.CLOUD) {
      SSLParameters offered = new SSLParameters();
      offered.setApplicationProtocols(ALPN);
      b.sslParameters(offered);
    }
    ProxySettings.Proxy proxy = settings.proxy().proxy();
    if (proxy != null) {
      ProxyRelay way = relay;
      if (way == null) {
        way =
            ProxyRelay.start(
                new ProxyTunnel(
                    proxy,
                    () -> identity.proxyContext().getSocketFactory(),
                    settings.connect(),
                    settings.idle()));
        relay = way;
      }
      b.proxy(new OneProxy(settings.proxy(), way.address()));
    }
    return b.build();
  }

  /** The relay for all hosts but the exempt ones. */
  private static final class OneProxy extends ProxySelector {
    private final ProxySettings settings;
    private final List<Proxy> relay;

    OneProxy(ProxySettings settings, InetSocketAddress relay) {
      this.settings = settings;
      this.relay = List.of(new Proxy(Proxy.Type.HTTP, relay));
    }

    @Override
    public List<Proxy> select(URI uri) {
      return settings.forHost(uri.getHost()).isEmpty() ? List.of(Proxy.NO_PROXY) : relay;
    }

    @Override
    public void connectFailed(URI uri, SocketAddress address, IOException e) {}
  }

  /** Ends all requests. */
  @Override
  public void close() {
    making.lock();
    try {
      clients.values().forEach(HttpClient::shutdownNow);
      ProxyRelay way = relay;
      if (way != null) {
        way.close();
      }
    } finally {
      making.unlock();
    }
  }
}
