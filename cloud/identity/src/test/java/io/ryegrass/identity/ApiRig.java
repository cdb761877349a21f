package io.ryegrass.identity;

import io.ryegrass.awsapi.ApiEngine;
import io.ryegrass.awsapi.testing.EngineServer;
import io.ryegrass.awssignature.AccessKey;
import io.ryegrass.awssignature.SigV4Verifier;
import io.ryegrass.identity.audit.AuditTrail;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import io.ryegrass.store.testing.TestDatabase;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
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
  private final EngineServer server;

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
    server = new EngineServer();
    server.serve(engine);
  }

  private URI api() {
    return server.uri();
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
    server.close();
    audit.close();
    store.close();
  }
}
