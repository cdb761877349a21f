package io.ryegrass.secrets;

import static io.ryegrass.secrets.SecretsCloud.ARNS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.identity.TemporaryCredentials;
import io.ryegrass.store.testing.OnBothDatabases;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.services.iam.IamClient;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.MalformedPolicyDocumentException;
import software.amazon.awssdk.services.secretsmanager.model.PublicPolicyException;
import software.amazon.awssdk.services.secretsmanager.model.ResourceNotFoundException;
import software.amazon.awssdk.services.secretsmanager.model.SecretsManagerException;
import software.amazon.awssdk.services.secretsmanager.model.Tag;

/** Who may do what with which secret; cores come with the credentials of their role alias. */
@OnBothDatabases
class SecretAccessTest {
  private static final String TRUST =
      """
      {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
       "Principal":{"Service":"credentials.iot.amazonaws.com"}}]}""";

  @TempDir Path folder;
  private SecretsCloud cloud;
  private SecretsManagerClient root;
  private IamClient iam;

  @BeforeEach
  void start() throws Exception {
    cloud = new SecretsCloud(folder);
    root = cloud.client();
    iam = cloud.iam();
    root.createSecret(r -> r.name("fleet/db").secretString("press-1"));
    root.createSecret(
        r ->
            r.name("office/db")
                .secretString("desk-1")
                .tags(Tag.builder().key("team").value("blue").build()));
  }

  @AfterEach
  void stop() throws Exception {
    cloud.close();
  }

  /** A client with what the credentials endpoint gives a core for a role with this policy. */
  private SecretsManagerClient core(String statement) {
    String policy = "{\"Version\":\"2012-10-17\",\"Statement\":[" + statement + "]}";
    String role = "Role" + Math.abs(statement.hashCode());
    iam.createRole(r -> r.roleName(role).assumeRolePolicyDocument(TRUST));
    iam.putRolePolicy(r -> r.roleName(role).policyName("p").policyDocument(policy));
    TemporaryCredentials made =
        cloud.identity.assumeRole(
            "arn:aws:iam::000000000000:role/" + role, "core-1", Duration.ofHours(1), "core-1");
    return cloud.client(
        AwsSessionCredentials.create(
            made.accessKeyId(), made.secretAccessKey(), made.sessionToken()));
  }

  private static String allow(String action, String resource) {
    return "{\"Effect\":\"Allow\",\"Action\":\"" + action + "\",\"Resource\":\"" + resource + "\"}";
  }

  @Test
  void aCoreReadsTheSecretsThatItsRoleNamesByAnyNameAndNoOthers() {
    SecretsManagerClient core = core(allow("secretsmanager:GetSecretValue", ARNS + "fleet/*"));
    String arn = root.describeSecret(r -> r.secretId("fleet/db")).arn();
    for (String id : new String[] {"fleet/db", arn, ARNS + "fleet/db"}) {
      assertThat(core.getSecretValue(r -> r.secretId(id)).secretString()).isEqualTo("press-1");
    }
    assertThatThrownBy(() -> core.getSecretValue(r -> r.secretId("office/db")))
        .isInstanceOf(SecretsManagerException.class)
        .hasMessageContaining(
            "is not authorized to perform: secretsmanager:GetSecretValue on resource: "
                + ARNS
                + "office/db-")
        .satisfies(
            e ->
                assertThat(((SecretsManagerException) e).awsErrorDetails().errorCode())
                    .isEqualTo("AccessDeniedException"));
    assertThatThrownBy(() -> core.putSecretValue(r -> r.secretId("fleet/db").secretString("x")))
        .hasMessageContaining("secretsmanager:PutSecretValue");
    assertThatThrownBy(() -> core.getSecretValue(r -> r.secretId("fleet/none")))
        .isInstanceOf(ResourceNotFoundException.class);
  }

  @Test
  void aPolicyWithTheSixRandomCharactersAsQuestionMarksFits() {
    SecretsManagerClient core = core(allow("secretsmanager:*", ARNS + "fleet/db-??????"));
    assertThat(core.getSecretValue(r -> r.secretId("fleet/db")).secretString())
        .isEqualTo("press-1");
    assertThatThrownBy(() -> core.createSecret(r -> r.name("fleet/db2").secretString("x")))
        .hasMessageContaining("not authorized");
  }

  @Test
  void aBatchNamesTheSecretsThatTheCallerMayNotRead() {
    SecretsManagerClient core =
        core(
            allow("secretsmanager:BatchGetSecretValue", "*")
                + ","
                + allow("secretsmanager:GetSecretValue", ARNS + "fleet/*"));
    var batch = core.batchGetSecretValue(r -> r.secretIdList("fleet/db", "office/db"));
    assertThat(batch.secretValues()).extracting(v -> v.secretString()).containsExactly("press-1");
    assertThat(batch.errors())
        .extracting(e -> e.secretId() + " " + e.errorCode())
        .containsExactly("office/db AccessDeniedException");
  }

  @Test
  void tagsOfTheSecretCountInConditions() {
    SecretsManagerClient core =
        core(
            "{\"Effect\":\"Allow\",\"Action\":\"secretsmanager:GetSecretValue\",\"Resource\":\"*\","
                + "\"Condition\":{\"StringEquals\":{\"aws:ResourceTag/team\":\"blue\"}}}");
    assertThat(core.getSecretValue(r -> r.secretId("office/db")).secretString())
        .isEqualTo("desk-1");
    assertThatThrownBy(() -> core.getSecretValue(r -> r.secretId("fleet/db")))
        .hasMessageContaining("not authorized");
  }

  @Test
  void aPolicyOnTheSecretAllowsAndItsDenyWins() {
    SecretsManagerClient nobody = core(allow("sts:GetCallerIdentity", "*"));
    SecretsManagerClient reader = core(allow("secretsmanager:*", "*"));
    String role =
        "arn:aws:iam::000000000000:role/Role"
            + Math.abs(allow("sts:GetCallerIdentity", "*").hashCode());
    root.putResourcePolicy(
        r ->
            r.secretId("fleet/db")
                .resourcePolicy(
                    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":"
                        + "{\"AWS\":\""
                        + role
                        + "\"},\"Action\":\"secretsmanager:GetSecretValue\",\"Resource\":\"*\"}]}"));
    assertThat(nobody.getSecretValue(r -> r.secretId("fleet/db")).secretString())
        .isEqualTo("press-1");
    assertThatThrownBy(() -> nobody.getSecretValue(r -> r.secretId("office/db")))
        .hasMessageContaining("not authorized");
    assertThat(root.getResourcePolicy(r -> r.secretId("fleet/db")).resourcePolicy()).contains(role);

    String deny =
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"Principal\":{\"AWS\":"
            + "\"arn:aws:iam::000000000000:root\"},\"Action\":\"secretsmanager:GetSecretValue\","
            + "\"Resource\":\"*\"}]}";
    root.putResourcePolicy(r -> r.secretId("fleet/db").resourcePolicy(deny));
    assertThatThrownBy(() -> reader.getSecretValue(r -> r.secretId("fleet/db")))
        .hasMessageContaining("explicit deny");
    root.deleteResourcePolicy(r -> r.secretId("fleet/db"));
    assertThat(reader.getSecretValue(r -> r.secretId("fleet/db")).secretString())
        .isEqualTo("press-1");
    assertThatThrownBy(() -> nobody.getSecretValue(r -> r.secretId("fleet/db")))
        .hasMessageContaining("not authorized");
  }

  @Test
  void policiesAreHeldAgainstTheLanguageAndAgainstOpenness() {
    String open =
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\","
            + "\"Action\":\"secretsmanager:GetSecretValue\",\"Resource\":\"*\"}]}";
    assertThatThrownBy(
            () -> root.putResourcePolicy(r -> r.secretId("fleet/db").resourcePolicy("{\"a\":1}")))
        .isInstanceOf(MalformedPolicyDocumentException.class);
    assertThatThrownBy(
            () ->
                root.putResourcePolicy(
                    r -> r.secretId("fleet/db").resourcePolicy(open).blockPublicPolicy(true)))
        .isInstanceOf(PublicPolicyException.class);
    assertThat(root.validateResourcePolicy(r -> r.resourcePolicy(open)).policyValidationPassed())
        .isFalse();
    assertThat(
            root.validateResourcePolicy(r -> r.resourcePolicy("no json"))
                .validationErrors()
                .getFirst()
                .errorMessage())
        .contains("syntax error");
  }
}
