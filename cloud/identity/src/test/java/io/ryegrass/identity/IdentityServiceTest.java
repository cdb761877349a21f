package io.ryegrass.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.awsapi.ApiEngine;
import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.testing.EngineServer;
import io.ryegrass.awssignature.AccessKey;
import io.ryegrass.awssignature.SigV4Verifier;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.testing.OnBothDatabases;
import io.ryegrass.store.testing.TestDatabase;
import java.io.IOException;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.iam.IamClient;
import software.amazon.awssdk.services.iam.model.DeleteConflictException;
import software.amazon.awssdk.services.iam.model.EntityAlreadyExistsException;
import software.amazon.awssdk.services.iam.model.IamException;
import software.amazon.awssdk.services.iam.model.MalformedPolicyDocumentException;
import software.amazon.awssdk.services.iam.model.NoSuchEntityException;
import software.amazon.awssdk.services.sts.StsClient;
import software.amazon.awssdk.services.sts.model.StsException;

/** AWS's own clients against the real engine on a real store. */
@OnBothDatabases
class IdentityServiceTest {
  private static final String ACCOUNT = "000000000000";
  private static final String DEVICE_TRUST = trust("\"Service\":\"credentials.iot.amazonaws.com\"");
  private static final String ACCOUNT_TRUST = trust("\"AWS\":\"arn:aws:iam::000000000000:root\"");

  @TempDir Path folder;
  private final Clock clock = Clock.systemUTC();
  private CloudStore store;
  private IdentityService identity;
  private EngineServer server;
  private AccessKey root;

  private static String trust(String principal) {
    return "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{"
        + principal
        + "},\"Action\":\"sts:AssumeRole\"}}";
  }

  private static String policy(String effect, String action, String resource) {
    return "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"%s\",\"Action\":\"%s\",\"Resource\":\"%s\"}}"
        .formatted(effect, action, resource);
  }

  @BeforeEach
  void start() throws IOException {
    store = TestDatabase.open(folder, IdentityService.migrations());
    identity = new IdentityService(store, ACCOUNT, clock);
    root = identity.ensureRootAccessKey();
    var engine =
        new ApiEngine(
            List.of(identity.iam(), identity.sts()),
            new SigV4Verifier(identity, Clock.systemUTC()),
            identity.callAuthoriser(),
            "us-east-1",
            ACCOUNT,
            caller -> ((CallerIdentity) caller).arn(),
            clock);
    server = new EngineServer();
    server.serve(engine);
  }

  @AfterEach
  void stop() {
    server.close();
    store.close();
  }

  private URI api() {
    return server.uri();
  }

  private IamClient iam(AwsCredentials credentials) {
    return IamClient.builder()
        .endpointOverride(api())
        .region(Region.AWS_GLOBAL)
        .httpClient(UrlConnectionHttpClient.create())
        .credentialsProvider(StaticCredentialsProvider.create(credentials))
        .build();
  }

  private StsClient sts(AwsCredentials credentials) {
    return StsClient.builder()
        .endpointOverride(api())
        .region(Region.US_EAST_1)
        .httpClient(UrlConnectionHttpClient.create())
        .credentialsProvider(StaticCredentialsProvider.create(credentials))
        .build();
  }

  private AwsCredentials rootKey() {
    return AwsBasicCredentials.create(root.accessKeyId(), root.secretAccessKey());
  }

  private AwsCredentials newUser(String name) {
    IamClient iam = iam(rootKey());
    iam.createUser(r -> r.userName(name));
    var key = iam.createAccessKey(r -> r.userName(name)).accessKey();
    return AwsBasicCredentials.create(key.accessKeyId(), key.secretAccessKey());
  }

  @Test
  void theRootKeyIsMadeOnceAndSurvivesARestart() {
    store.close();
    store = TestDatabase.open(folder, IdentityService.migrations());
    AccessKey again = new IdentityService(store, ACCOUNT, clock).ensureRootAccessKey();
    assertThat(again.accessKeyId()).isEqualTo(root.accessKeyId());
    assertThat(again.secretAccessKey()).isEqualTo(root.secretAccessKey());
  }

  @Test
  void theDatabaseAloneDoesNotHoldAUsableSecret() throws Exception {
    assertThat(Files.getPosixFilePermissions(folder.resolve("identity.key")))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    store.close();
    try (var files = Files.list(folder)) {
      for (Path file :
          files.filter(f -> f.getFileName().toString().startsWith("cloud.db")).toList()) {
        String bytes = Files.readString(file, StandardCharsets.ISO_8859_1);
        assertThat(bytes).doesNotContain(root.secretAccessKey());
      }
    }
    Files.delete(folder.resolve("identity.key"));
    store = TestDatabase.open(folder, IdentityService.migrations());
    assertThatThrownBy(() -> new IdentityService(store, ACCOUNT, clock))
        .isInstanceOf(IdentityException.class)
        .hasMessageContaining("restore");
  }

  @Test
  void aWrongSecretAndAnInactiveKeyAreRefused() {
    StsClient wrong = sts(AwsBasicCredentials.create(root.accessKeyId(), "wrong"));
    assertThatThrownBy(wrong::getCallerIdentity)
        .isInstanceOfSatisfying(StsException.class, e -> assertThat(e.statusCode()).isEqualTo(403));
    AwsCredentials ann = newUser("ann");
    assertThat(sts(ann).getCallerIdentity().arn()).isEqualTo("arn:aws:iam::000000000000:user/ann");
    iam(rootKey())
        .updateAccessKey(r -> r.userName("ann").accessKeyId(ann.accessKeyId()).status("Inactive"));
    assertThatThrownBy(() -> sts(ann).getCallerIdentity()).isInstanceOf(StsException.class);
  }

  @Test
  void aUserMayDoWhatItsPoliciesSayAndNoMore() {
    AwsCredentials ann = newUser("ann");
    assertThatThrownBy(() -> iam(ann).listRoles())
        .isInstanceOfSatisfying(IamException.class, e -> assertThat(e.statusCode()).isEqualTo(403))
        .hasMessageContaining("is not authorized to perform: iam:ListRoles");
    IamClient admin = iam(rootKey());
    admin.putUserPolicy(
        r -> r.userName("ann").policyName("p").policyDocument(policy("Allow", "iam:*", "*")));
    assertThat(iam(ann).listRoles().roles()).isEmpty();
    String deny =
        admin
            .createPolicy(
                r ->
                    r.policyName("no-roles")
                        .policyDocument(
                            policy("Deny", "iam:GetRole", "arn:aws:iam::000000000000:role/secret")))
            .policy()
            .arn();
    admin.attachUserPolicy(r -> r.userName("ann").policyArn(deny));
    admin.createRole(r -> r.roleName("secret").assumeRolePolicyDocument(DEVICE_TRUST));
    assertThatThrownBy(() -> iam(ann).getRole(r -> r.roleName("secret")))
        .hasMessageContaining("explicit deny");
    admin.detachUserPolicy(r -> r.userName("ann").policyArn(deny));
    assertThat(iam(ann).getRole(r -> r.roleName("secret")).role().roleName()).isEqualTo("secret");
  }

  @Test
  void aRoleAndItsPoliciesLiveAsTheTutorialsExpect() {
    IamClient iam = iam(rootKey());
    var made = iam.createRole(r -> r.roleName("tes").assumeRolePolicyDocument(DEVICE_TRUST)).role();
    assertThat(made.arn()).isEqualTo("arn:aws:iam::000000000000:role/tes");
    assertThat(
            URLDecoder.decode(
                iam.getRole(r -> r.roleName("tes")).role().assumeRolePolicyDocument(),
                StandardCharsets.UTF_8))
        .isEqualTo(DEVICE_TRUST);
    String arn =
        iam.createPolicy(
                r -> r.policyName("access").policyDocument(policy("Allow", "s3:GetObject", "*")))
            .policy()
            .arn();
    iam.attachRolePolicy(r -> r.roleName("tes").policyArn(arn));
    iam.attachRolePolicy(r -> r.roleName("tes").policyArn(arn));
    assertThat(iam.listAttachedRolePolicies(r -> r.roleName("tes")).attachedPolicies())
        .singleElement()
        .satisfies(p -> assertThat(p.policyArn()).isEqualTo(arn));
    assertThatThrownBy(() -> iam.deleteRole(r -> r.roleName("tes")))
        .isInstanceOf(DeleteConflictException.class);
    iam.detachRolePolicy(r -> r.roleName("tes").policyArn(arn));
    iam.deleteRole(r -> r.roleName("tes"));
    assertThatThrownBy(() -> iam.getRole(r -> r.roleName("tes")))
        .isInstanceOf(NoSuchEntityException.class)
        .hasMessageContaining("The role with name tes cannot be found.");
  }

  @Test
  void duplicatesAndMalformedPoliciesHaveTheErrorsOfIam() {
    IamClient iam = iam(rootKey());
    iam.createUser(r -> r.userName("ann"));
    assertThatThrownBy(() -> iam.createUser(r -> r.userName("ann")))
        .isInstanceOf(EntityAlreadyExistsException.class);
    assertThatThrownBy(() -> iam.createPolicy(r -> r.policyName("p").policyDocument("{}")))
        .isInstanceOf(MalformedPolicyDocumentException.class);
  }

  @Test
  void aDeviceGetsARolesCredentialsOnlyIfTheRoleTrustsTheCredentialsProvider() {
    IamClient iam = iam(rootKey());
    iam.createRole(r -> r.roleName("tes").assumeRolePolicyDocument(DEVICE_TRUST));
    iam.createRole(r -> r.roleName("ops").assumeRolePolicyDocument(ACCOUNT_TRUST));
    TemporaryCredentials made =
        identity.assumeRole(
            "arn:aws:iam::000000000000:role/tes", "session", Duration.ofHours(1), "core1");
    var caller = sts(session(made)).getCallerIdentity();
    assertThat(caller.arn()).isEqualTo("arn:aws:sts::000000000000:assumed-role/tes/session");
    assertThat(
            ((CallerIdentity) identity.find(made.accessKeyId()).orElseThrow().identity())
                .thingName())
        .isEqualTo("core1");
    assertThatThrownBy(
            () ->
                identity.assumeRole(
                    "arn:aws:iam::000000000000:role/ops", "session", Duration.ofHours(1), null))
        .isInstanceOfSatisfying(AwsException.class, e -> assertThat(e.status()).isEqualTo(403));
  }

  private static AwsCredentials session(TemporaryCredentials c) {
    return AwsSessionCredentials.create(c.accessKeyId(), c.secretAccessKey(), c.sessionToken());
  }

  @Test
  void aSessionHasTheRolesRightsItsTokenAndItsEndAndDiesWithTheRole() {
    IamClient iam = iam(rootKey());
    iam.createRole(r -> r.roleName("ops").assumeRolePolicyDocument(ACCOUNT_TRUST));
    iam.putRolePolicy(
        r ->
            r.roleName("ops")
                .policyName("p")
                .policyDocument(policy("Allow", "iam:ListUsers", "*")));
    var made =
        sts(rootKey())
            .assumeRole(
                r ->
                    r.roleArn("arn:aws:iam::000000000000:role/ops")
                        .roleSessionName("ann")
                        .durationSeconds(900))
            .credentials();
    AwsCredentials session =
        AwsSessionCredentials.create(
            made.accessKeyId(), made.secretAccessKey(), made.sessionToken());
    assertThat(iam(session).listUsers().users()).isEmpty();
    assertThatThrownBy(() -> iam(session).listRoles()).isInstanceOf(IamException.class);
    AwsCredentials wrongToken =
        AwsSessionCredentials.create(made.accessKeyId(), made.secretAccessKey(), "other");
    assertThatThrownBy(() -> iam(wrongToken).listUsers()).isInstanceOf(IamException.class);
    assertThat(identity.find(made.accessKeyId()).orElseThrow().expires())
        .isBetween(Instant.now().plusSeconds(800), Instant.now().plusSeconds(901));
    iam.deleteRolePolicy(r -> r.roleName("ops").policyName("p"));
    iam.deleteRole(r -> r.roleName("ops"));
    assertThat(identity.find(made.accessKeyId())).isEmpty();
  }
}
