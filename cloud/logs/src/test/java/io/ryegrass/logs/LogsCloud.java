package io.ryegrass.logs;

import io.ryegrass.awsapi.ApiEngine;
import io.ryegrass.awsapi.testing.EngineServer;
import io.ryegrass.awssignature.AccessKey;
import io.ryegrass.awssignature.SigV4Verifier;
import io.ryegrass.identity.CallerIdentity;
import io.ryegrass.identity.IdentityService;
import io.ryegrass.store.CloudStore;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.cloudwatchlogs.CloudWatchLogsClient;
import software.amazon.awssdk.services.iam.IamClient;

/** CloudWatch Logs with identities on a real port, as the cloud assembles them. */
final class LogsCloud implements AutoCloseable {
  static final String ACCOUNT = "000000000000";
  static final String ARNS = "arn:aws:logs:us-east-1:000000000000:log-group:";

  final ManualClock clock = new ManualClock();
  final CloudStore store;
  final IdentityService identity;
  final LogsService logs;
  private final CloudStore control;
  private final EngineServer http;
  private final List<AutoCloseable> clients = new ArrayList<>();

  LogsCloud(Path folder, long maxBytes) throws IOException {
    control = CloudStore.open(folder, IdentityService.migrations());
    identity = new IdentityService(control, ACCOUNT, Clock.systemUTC());
    store = CloudStore.open(folder.resolve("logs"), LogsService.migrations());
    logs = new LogsService(store, "us-east-1", ACCOUNT, clock, maxBytes);
    ApiEngine engine =
        new ApiEngine(
            List.of(logs.logs(), identity.iam()),
            new SigV4Verifier(identity, Clock.systemUTC()),
            identity.callAuthoriser(logs),
            "us-east-1",
            ACCOUNT,
            caller -> ((CallerIdentity) caller).arn(),
            Clock.systemUTC());
    http = new EngineServer();
    http.serve(engine);
  }

  private URI uri() {
    return http.uri();
  }

  private AwsCredentials root() {
    AccessKey root = identity.ensureRootAccessKey();
    return AwsBasicCredentials.create(root.accessKeyId(), root.secretAccessKey());
  }

  CloudWatchLogsClient client() {
    return client(root());
  }

  CloudWatchLogsClient client(AwsCredentials credentials) {
    CloudWatchLogsClient client =
        CloudWatchLogsClient.builder()
            .endpointOverride(uri())
            .region(Region.US_EAST_1)
            .credentialsProvider(StaticCredentialsProvider.create(credentials))
            .httpClient(UrlConnectionHttpClient.create())
            .build();
    clients.add(client);
    return client;
  }

  IamClient iam() {
    IamClient client =
        IamClient.builder()
            .endpointOverride(uri())
            .region(Region.AWS_GLOBAL)
            .credentialsProvider(StaticCredentialsProvider.create(root()))
            .httpClient(UrlConnectionHttpClient.create())
            .build();
    clients.add(client);
    return client;
  }

  long rows() {
    return store.<Long>read(sql -> sql.count("SELECT COUNT(*) AS n FROM log_events"));
  }

  @Override
  public void close() throws Exception {
    for (AutoCloseable client : clients) {
      client.close();
    }
    http.close();
    logs.close();
    store.close();
    control.close();
  }

  /** A clock that the test moves. */
  static final class ManualClock extends Clock {
    private volatile Instant now = Instant.parse("2026-11-21T08:00:00Z");

    void forward(Duration duration) {
      now = now.plus(duration);
    }

    @Override
    public Instant instant() {
      return now;
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }
  }
}
