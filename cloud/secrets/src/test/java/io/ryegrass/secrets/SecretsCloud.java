package io.ryegrass.secrets;

import io.ryegrass.awsapi.ApiEngine;
import io.ryegrass.awsapi.testing.EngineServer;
import io.ryegrass.awssignature.AccessKey;
import io.ryegrass.awssignature.SigV4Verifier;
import io.ryegrass.identity.CallerIdentity;
import io.ryegrass.identity.IdentityService;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import io.ryegrass.store.testing.TestDatabase;
import java.io.IOException;
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
import software.amazon.awssdk.services.iam.IamClient;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/** Secrets Manager with identities on a real port, as the cloud assembles them. */
final class SecretsCloud implements AutoCloseable {
  static final String ACCOUNT = "000000000000";
  static final String ARNS = "arn:aws:secretsmanager:us-east-1:000000000000:secret:";

  final ManualClock clock = new ManualClock();
  final Path folder;
  final CloudStore store;
  final IdentityService identity;
  final SecretsService secrets;
  private final EngineServer http;
  private final List<AutoCloseable> clients = new ArrayList<>();

  SecretsCloud(Path folder) throws IOException {
    this.folder = folder;
    List<Migration> migrations = new ArrayList<>(IdentityService.migrations());
    migrations.addAll(SecretsService.migrations());
    store = TestDatabase.open(folder, migrations);
    identity = new IdentityService(store, ACCOUNT, Clock.systemUTC());
    try {
      secrets = new SecretsService(store, identity, keyFile(), "us-east-1", ACCOUNT, clock);
    } catch (RuntimeException e) {
      store.close();
      throw e;
    }
    ApiEngine engine =
        new ApiEngine(
            List.of(secrets.secretsManager(), identity.iam()),
            new SigV4Verifier(identity, Clock.systemUTC()),
            identity.callAuthoriser(secrets),
            "us-east-1",
            ACCOUNT,
            caller -> ((CallerIdentity) caller).arn(),
            Clock.systemUTC());
    http = new EngineServer();
    http.serve(engine);
  }

  Path keyFile() {
    return folder.resolve("secrets.key");
  }

  SecretsManagerClient client() {
    AccessKey root = identity.ensureRootAccessKey();
    return client(AwsBasicCredentials.create(root.accessKeyId(), root.secretAccessKey()));
  }

  IamClient iam() {
    AccessKey root = identity.ensureRootAccessKey();
    IamClient client =
        IamClient.builder()
            .endpointOverride(http.uri())
            .region(Region.AWS_GLOBAL)
            .credentialsProvider(
                StaticCredentialsProvider.create(
                    AwsBasicCredentials.create(root.accessKeyId(), root.secretAccessKey())))
            .httpClient(UrlConnectionHttpClient.create())
            .build();
    clients.add(client);
    return client;
  }

  SecretsManagerClient client(AwsCredentials credentials) {
    SecretsManagerClient client =
        SecretsManagerClient.builder()
            .endpointOverride(http.uri())
            .region(Region.US_EAST_1)
            .credentialsProvider(StaticCredentialsProvider.create(credentials))
            .httpClient(UrlConnectionHttpClient.create())
            .build();
    clients.add(client);
    return client;
  }

  @Override
  public void close() throws Exception {
    for (AutoCloseable client : clients) {
      client.close();
    }
    http.close();
    store.close();
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
