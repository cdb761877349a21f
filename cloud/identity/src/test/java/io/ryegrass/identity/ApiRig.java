package io.ryegrass.identity;

import com.sun.net.httpserver.HttpServer;
import io.ryegrass.awsapi.ApiEngine;
import io.ryegrass.awsapi.ApiRequest;
import io.ryegrass.awsapi.ApiResponse;
import io.ryegrass.awssignature.AccessKey;
import io.ryegrass.awssignature.SigV4Verifier;
import io.ryegrass.identity.audit.AuditTrail;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import io.ryegrass.store.testing.TestDatabase;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.iam.IamClient;
import software.amazon.awssdk.services.sts.StsClient;

/** IAM, STS and the audit log on a real store, behind a real socket, with AWS's own clients. */
final class ApiRig implements AutoCloseable {
  static final String ACCOUNT = "000000000000";

  final CloudStore store;
  final IdentityService identity;
  final AuditTrail audit;
  final AccessKey root;
  final ApiEngine engine;
  private final HttpServer server;

  ApiRig(Path folder, int maxEvents) throws IOException {
    List<Migration> migrations = new ArrayList<>(IdentityService.migrations());
    migrations.addAll(AuditTrail.migrations());
    Clock clock = Clock.systemUTC();
    store = TestDatabase.open(folder, migrations);
    identity = new IdentityService(store, ACCOUNT, clock);
    audit = new AuditTrail(store, clock, identity.auditEvents(), maxEvents);
    root = identity.ensureRootAccessKey();
    engine =
        new ApiEngine(
            List.of(identity.iam(), identity.sts(), audit.cloudTrail()),
            new SigV4Verifier(identity, clock),
            identity.callAuthoriser(),
            audit,
            "us-east-1",
            ACCOUNT,
            caller -> ((CallerIdentity) caller).arn(),
            clock);
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          Map<String, List<String>> headers = new HashMap<>();
          exchange
              .getRequestHeaders()
              .forEach((name, values) -> headers.put(name.toLowerCase(Locale.ROOT), values));
          try (exchange) {
            ApiResponse response =
                engine.handle(
                    new ApiRequest(
                        exchange.getRequestMethod(),
                        exchange.getRequestURI().getRawPath(),
                        "",
                        headers,
                        exchange.getRequestBody().readAllBytes(),
                        exchange.getRemoteAddress().getAddress().getHostAddress()));
            response.headers().forEach(exchange.getResponseHeaders()::set);
            exchange.sendResponseHeaders(response.status(), response.body().length);
            exchange.getResponseBody().write(response.body());
          }
        });
    server.start();
  }

  private URI api() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  AwsCredentials rootKey() {
    return AwsBasicCredentials.create(root.accessKeyId(), root.secretAccessKey());
  }

  IamClient iam() {
    return iam(rootKey());
  }

  IamClient iam(AwsCredentials credentials) {
    return IamClient.builder()
        .endpointOverride(api())
        .region(Region.AWS_GLOBAL)
        .httpClient(UrlConnectionHttpClient.create())
        .credentialsProvider(StaticCredentialsProvider.create(credentials))
        .build();
  }

  StsClient sts(AwsCredentials credentials) {
    return StsClient.builder()
        .endpointOverride(api())
        .region(Region.US_EAST_1)
        .httpClient(UrlConnectionHttpClient.create())
        .credentialsProvider(StaticCredentialsProvider.create(credentials))
        .build();
  }

  AwsCredentials newUser(String name) {
    iam().createUser(r -> r.userName(name));
    var key = iam().createAccessKey(r -> r.userName(name)).accessKey();
    return AwsBasicCredentials.create(key.accessKeyId(), key.secretAccessKey());
  }

  static AwsCredentials session(software.amazon.awssdk.services.sts.model.Credentials c) {
    return AwsSessionCredentials.create(c.accessKeyId(), c.secretAccessKey(), c.sessionToken());
  }

  static String allow(String action, String resource) {
    return statement(
        "\"Effect\":\"Allow\",\"Action\":\"%s\",\"Resource\":\"%s\"", action, resource);
  }

  static String statement(String body, Object... values) {
    return "{\"Version\":\"2012-10-17\",\"Statement\":{" + body.formatted(values) + "}}";
  }

  static String trust(String principal) {
    return statement(
        "\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"%s\"},\"Action\":\"sts:AssumeRole\"",
        principal);
  }

  @Override
  public void close() {
    server.stop(0);
    audit.close();
    store.close();
  }
}
