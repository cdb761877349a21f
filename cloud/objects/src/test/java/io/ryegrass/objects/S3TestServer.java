package io.ryegrass.objects;

import com.sun.net.httpserver.HttpServer;
import io.ryegrass.awssignature.AccessKey;
import io.ryegrass.awssignature.SigV4Verifier;
import io.ryegrass.policy.PolicyDocument;
import io.ryegrass.policy.PolicyEvaluator;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/** The API behind a real socket, with one key that may do everything but what is denied. */
final class S3TestServer implements AutoCloseable {
  static final String KEY_ID = "AKIATESTTESTTEST0001";
  static final String SECRET = "secretsecretsecretsecretsecretsecretsecr";

  final ObjectStore store;
  final Set<String> denied = ConcurrentHashMap.newKeySet();
  private final HttpServer server;

  S3TestServer(Path folder, int port) throws IOException {
    this(ObjectStore.open(folder, Clock.systemUTC()), port);
  }

  S3TestServer(ObjectStore objects, int port) throws IOException {
    store = objects;
    AccessKey key = new AccessKey(KEY_ID, SECRET, null, null, "tester");
    S3Api api =
        new S3Api(
            store,
            new SigV4Verifier(
                id -> id.equals(KEY_ID) ? Optional.of(key) : Optional.empty(), Clock.systemUTC()),
            (who, action, resource, policy, keys) ->
                !denied.contains(action) && allowedBy(policy, action, resource, keys),
            "us-east-1",
            64L << 20);
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext(
        "/",
        exchange -> {
          Map<String, List<String>> headers = new HashMap<>();
          exchange
              .getRequestHeaders()
              .forEach((name, values) -> headers.put(name.toLowerCase(Locale.ROOT), values));
          URI uri = exchange.getRequestURI();
          try (exchange;
              S3Response response =
                  api.handle(
                      new S3Request(
                          exchange.getRequestMethod(),
                          uri.getRawPath(),
                          uri.getRawQuery() == null ? "" : uri.getRawQuery(),
                          headers,
                          exchange.getRequestBody()))) {
            // a client may send its whole body before it listens
            exchange.getRequestBody().transferTo(OutputStream.nullOutputStream());
            response.headers().forEach(exchange.getResponseHeaders()::set);
            boolean head = exchange.getRequestMethod().equals("HEAD");
            if (head) {
              exchange
                  .getResponseHeaders()
                  .set("content-length", Long.toString(response.contentLength()));
            }
            exchange.sendResponseHeaders(
                response.status(),
                head || response.contentLength() == 0 ? -1 : response.contentLength());
            if (!head && response.contentLength() > 0) {
              try (OutputStream out = exchange.getResponseBody()) {
                response.body().writeTo(out);
              }
            }
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
    server.start();
  }

  /** What a policy of the bucket denies is denied; all else is allowed. */
  private static boolean allowedBy(
      @Nullable PolicyDocument policy, String action, String resource, Map<String, String> keys) {
    return policy == null
        || PolicyEvaluator.evaluateResourcePolicy(policy, List.of("tester"), action, resource, keys)
            != PolicyEvaluator.Decision.DENY_EXPLICIT;
  }

  S3Client client(String secret) {
    return S3Client.builder()
        .endpointOverride(uri())
        .region(Region.US_EAST_1)
        .forcePathStyle(true)
        .httpClient(UrlConnectionHttpClient.create())
        .credentialsProvider(
            StaticCredentialsProvider.create(AwsBasicCredentials.create(KEY_ID, secret)))
        .build();
  }

  URI uri() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  @Override
  public void close() {
    server.stop(0);
    store.close();
  }

  /** For trying other clients by hand: {@code S3TestServer FOLDER PORT}. */
  public static void main(String[] args) throws IOException {
    S3TestServer server = new S3TestServer(Path.of(args[0]), Integer.parseInt(args[1]));
    System.out.println(server.uri());
  }
}
