package io.ryegrass.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.awsapi.ApiRequest;
import io.ryegrass.awsapi.ApiResponse;
import io.ryegrass.awssignature.Credentials;
import io.ryegrass.awssignature.HttpRequestToSign;
import io.ryegrass.awssignature.SigV4Signer;
import io.ryegrass.store.testing.OnBothDatabases;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.services.iam.model.IamException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The audit log, asked by CloudTrail's LookupEvents. */
@OnBothDatabases
class AuditTrailTest {
  private static final JsonMapper JSON = JsonMapper.shared();

  @TempDir Path folder;
  private ApiRig rig;

  @BeforeEach
  void start() throws IOException {
    rig = new ApiRig(folder, 5);
  }

  @AfterEach
  void stop() {
    rig.close();
  }

  private JsonNode lookup(String body) {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    Map<String, List<String>> headers = new HashMap<>();
    headers.put("host", List.of("localhost"));
    headers.put(
        "x-amz-target",
        List.of("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents"));
    headers.put("content-type", List.of("application/x-amz-json-1.1"));
    SigV4Signer.sign(
            new Credentials(rig.root.accessKeyId(), rig.root.secretAccessKey(), null),
            "us-east-1",
            "cloudtrail",
            new HttpRequestToSign("POST", "/", "", headers),
            bytes,
            Instant.now())
        .forEach((name, value) -> headers.put(name, List.of(value)));
    ApiResponse answer = rig.engine.handle(new ApiRequest("POST", "/", "", headers, bytes));
    return JSON.readTree(answer.body());
  }

  private List<String> names() {
    List<String> names = new ArrayList<>();
    lookup("{}").path("Events").forEach(e -> names.add(e.path("EventName").asString()));
    return names;
  }

  @Test
  void whoChangedWhatFromWhereWithWhatResultIsThereAndReadsAreNot() {
    AwsCredentials ann = rig.newUser("ann");
    rig.iam().listUsers();
    assertThatThrownBy(() -> rig.iam(ann).createUser(r -> r.userName("eve")))
        .isInstanceOf(IamException.class);
    assertThat(names()).containsExactly("CreateUser", "CreateAccessKey", "CreateUser");
    JsonNode newest = lookup("{\"MaxResults\":1}").path("Events").path(0);
    assertThat(newest.path("Username").asString()).isEqualTo("ann");
    JsonNode record = JSON.readTree(newest.path("CloudTrailEvent").asString());
    assertThat(record.path("errorCode").asString()).isEqualTo("AccessDenied");
    assertThat(record.path("userIdentity").path("type").asString()).isEqualTo("IAMUser");
    assertThat(record.path("userIdentity").path("accessKeyId").asString())
        .isEqualTo(ann.accessKeyId());
    assertThat(record.path("sourceIPAddress").asString()).isEqualTo("127.0.0.1");
    assertThat(record.path("requestParameters").path("userName").asString()).isEqualTo("eve");
    assertThat(record.path("resources").path(0).path("ARN").asString())
        .isEqualTo("arn:aws:iam::000000000000:user/eve");
    assertThat(record.path("requestID").asString()).isNotEmpty();
    assertThat(
            lookup(
                    "{\"LookupAttributes\":[{\"AttributeKey\":\"Username\",\"AttributeValue\":"
                        + "\"root\"}]}")
                .path("Events"))
        .hasSize(2);
  }

  @Test
  void theRecordOfASuccessfulCallIsOnDiskWhenTheCallIsAnswered() {
    rig.iam().createUser(r -> r.userName("ann"));
    long rows =
        rig.store.read(
            sql ->
                sql.count(
                    "SELECT count(*) AS n FROM audit_events WHERE event_name = 'CreateUser'"));
    assertThat(rows).isEqualTo(1);
    // nothing is changed by this one, so that it has no transaction of its own
    rig.iam().createAccountAlias(r -> r.accountAlias("alias"));
    assertThat(names()).containsExactly("CreateAccountAlias", "CreateUser");
  }

  @Test
  void aCallWhoseRecordCannotBeWrittenFailsAndIsRecordedOnceAsFailedWhenTheStoreIsBack() {
    rename("audit_events", "away");
    assertThatThrownBy(() -> rig.iam().createAccountAlias(r -> r.accountAlias("lost")))
        .isInstanceOf(IamException.class);
    rename("away", "audit_events");
    rig.iam().createAccountAlias(r -> r.accountAlias("kept"));
    List<String> errors = new ArrayList<>();
    lookup("{}")
        .path("Events")
        .forEach(
            e ->
                errors.add(
                    JSON.readTree(e.path("CloudTrailEvent").asString())
                        .path("errorCode")
                        .asString("none")));
    assertThat(errors).first().isEqualTo("none");
    assertThat(errors.subList(1, errors.size())).isNotEmpty().containsOnly("InternalFailure");
  }

  private void rename(String from, String to) {
    rig.store.write(sql -> sql.update("ALTER TABLE " + from + " RENAME TO " + to));
  }

  @Test
  void pagesGoBackInTimeAndOldRecordsLeave() {
    for (int i = 0; i < 8; i++) {
      String name = "u" + i;
      rig.iam().createUser(r -> r.userName(name));
    }
    JsonNode first = lookup("{\"MaxResults\":3}");
    assertThat(first.path("Events")).hasSize(3);
    JsonNode second =
        lookup("{\"MaxResults\":3,\"NextToken\":\"" + first.path("NextToken").asString() + "\"}");
    assertThat(
            second.path("Events").path(0).path("Resources").path(0).path("ResourceName").asString())
        .isEqualTo("u4");
    rig.audit.cleanNow();
    assertThat(names()).hasSize(5);
  }
}
