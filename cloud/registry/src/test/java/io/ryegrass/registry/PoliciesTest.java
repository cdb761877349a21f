package io.ryegrass.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.store.testing.OnBothDatabases;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.iot.model.ActionType;
import software.amazon.awssdk.services.iot.model.AuthDecision;
import software.amazon.awssdk.services.iot.model.AuthInfo;
import software.amazon.awssdk.services.iot.model.CreateKeysAndCertificateResponse;
import software.amazon.awssdk.services.iot.model.DeleteConflictException;
import software.amazon.awssdk.services.iot.model.InvalidRequestException;
import software.amazon.awssdk.services.iot.model.LimitExceededException;
import software.amazon.awssdk.services.iot.model.MalformedPolicyException;
import software.amazon.awssdk.services.iot.model.Policy;
import software.amazon.awssdk.services.iot.model.ResourceNotFoundException;
import software.amazon.awssdk.services.iot.model.VersionsLimitExceededException;

/** IoT policies: versions, targets, and what variables they know (mqtt-cloud, section 5). */
@OnBothDatabases
class PoliciesTest {
  private static final String TOPIC = "arn:aws:iot:us-east-1:000000000000:topic/";

  @TempDir Path folder;
  private TestRegistry cloud;

  @BeforeEach
  void start() throws IOException {
    cloud = new TestRegistry(folder);
  }

  @AfterEach
  void stop() {
    cloud.close();
  }

  private static String document(String effect, String topic, String condition) {
    return "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"%s\",\"Action\":\"iot:Publish\",\"Resource\":\"%s%s\"%s}]}"
        .formatted(effect, TOPIC, topic, condition);
  }

  private void policy(String name, String document) {
    cloud.iot.createPolicy(b -> b.policyName(name).policyDocument(document));
  }

  private CreateKeysAndCertificateResponse device(String thing, String policy) {
    cloud.iot.createThing(b -> b.thingName(thing));
    var issued = cloud.iot.createKeysAndCertificate(b -> b.setAsActive(true));
    cloud.iot.attachThingPrincipal(b -> b.thingName(thing).principal(issued.certificateArn()));
    cloud.iot.attachPolicy(b -> b.policyName(policy).target(issued.certificateArn()));
    return issued;
  }

  private boolean may(CreateKeysAndCertificateResponse issued, String client, String topic) {
    DevicePrincipal device =
        cloud.registry.findActive(Certificates.parse(issued.certificatePem())).orElseThrow();
    Map<String, String> variables = client.isEmpty() ? Map.of() : Map.of("iot:ClientId", client);
    return cloud.registry.isAllowed(device, "iot:Publish", TOPIC + topic, variables);
  }

  @Test
  void aPolicyHasFiveVersionsAndIsDeletedWithoutOthers() {
    policy("p", document("Allow", "a", ""));
    for (int i = 0; i < 4; i++) {
      cloud.iot.createPolicyVersion(
          b -> b.policyName("p").policyDocument(document("Allow", "b", "")));
    }
    assertThatThrownBy(
            () ->
                cloud.iot.createPolicyVersion(
                    b -> b.policyName("p").policyDocument(document("Allow", "c", ""))))
        .isInstanceOf(VersionsLimitExceededException.class)
        .hasMessageContaining("The policy p already has the maximum number of versions (5)");
    assertThatThrownBy(
            () -> cloud.iot.deletePolicyVersion(b -> b.policyName("p").policyVersionId("1")))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("Cannot delete the default version of a policy");
    assertThatThrownBy(() -> cloud.iot.deletePolicy(b -> b.policyName("p")))
        .isInstanceOf(DeleteConflictException.class)
        .hasMessageContaining("has one or more policy versions attached to it (name=p)");
    cloud.iot.deletePolicyVersion(b -> b.policyName("p").policyVersionId("5"));
    assertThat(
            cloud
                .iot
                .createPolicyVersion(
                    b -> b.policyName("p").policyDocument(document("Allow", "c", "")))
                .policyVersionId())
        .as("numbers are not given again")
        .isEqualTo("6");
  }

  @Test
  void aDocumentIsTooLongBeyond2048CharactersWithoutWhiteSpace() {
    policy("spaces", document("Allow", "a", "") + " ".repeat(5000));
    assertThatThrownBy(() -> policy("long", document("Allow", "a".repeat(2048), "")))
        .isInstanceOf(MalformedPolicyException.class)
        .hasMessageContaining("size exceeds hard limit (2048)");
  }

  /** Whatever is sent as a document is kept, or refused as the model says. */
  @Test
  void randomDocumentsAreTakenOrRefusedAsMalformed() {
    Random random = new Random(7);
    String seed = document("Allow", "${iot:ClientId}/*", ",\"Condition\":{\"Bool\":{\"a\":\"b\"}}");
    for (int i = 0; i < 60; i++) {
      StringBuilder text = new StringBuilder(seed);
      for (int j = 0; j < 3; j++) {
        text.setCharAt(
            random.nextInt(text.length()), "{}[]\":,$*a\u0001\ud83d".charAt(random.nextInt(12)));
      }
      String name = "fuzz" + i;
      try {
        policy(name, text.toString());
      } catch (MalformedPolicyException e) {
        assertThat(e.getMessage()).isNotBlank();
      }
    }
  }

  @Test
  void variablesOfTheThingHaveValuesWhenTheClientIdIsItsName() {
    cloud.iot.createThingType(b -> b.thingTypeName("pumps"));
    policy(
        "p",
        document(
            "Allow",
            "${iot:Connection.Thing.ThingTypeName}/${iot:Connection.Thing.Attributes[hall]}/*",
            ",\"Condition\":{\"Bool\":{\"iot:Connection.Thing.IsAttached\":\"true\"}}"));
    var issued = device("t", "p");
    assertThat(may(issued, "t", "pumps/7/x")).as("no type, no attribute").isFalse();

    cloud.iot.updateThing(
        b ->
            b.thingName("t")
                .thingTypeName("pumps")
                .attributePayload(a -> a.attributes(Map.of("hall", "7"))));

    assertThat(may(issued, "t", "pumps/7/x")).isTrue();
    assertThat(may(issued, "t", "pumps/8/x")).isFalse();
    assertThat(may(issued, "other", "pumps/7/x")).as("another client id").isFalse();
    assertThat(may(issued, "", "pumps/7/x")).as("HTTPS has no client id").isFalse();
  }

  @Test
  void variablesOfTheCertificateHaveValuesWhereverItIsShown() {
    policy(
        "p",
        document(
            "Allow",
            "${iot:Certificate.Subject.CommonName}/${iot:CertificateId}",
            ",\"Condition\":{\"ForAnyValue:StringEquals\":{\"iot:Certificate.AvailableKeys\":"
                + "\"iot:Certificate.Issuer.CommonName\"}}"));
    policy("q", document("Allow", "${iot:Certificate.Subject.Country}x", ""));
    var issued = device("t", "p");
    cloud.iot.attachPolicy(b -> b.policyName("q").target(issued.certificateArn()));
    String topic = "AWS IoT Certificate/" + issued.certificateId();
    assertThat(may(issued, "t", topic)).isTrue();
    assertThat(may(issued, "", topic)).isTrue();
    assertThat(may(issued, "t", "x")).as("a variable without value matches nothing").isFalse();
  }

  @Test
  void aGroupsPolicyHoldsForTheThingThatTheClientIdNames() {
    policy("none", document("Deny", "never", ""));
    policy("group", document("Allow", "a", ""));
    var issued = device("t", "none");
    cloud.iot.createThingGroup(b -> b.thingGroupName("plant"));
    cloud.iot.createThingGroup(b -> b.thingGroupName("hall").parentGroupName("plant"));
    cloud.iot.attachPolicy(
        b -> b.policyName("group").target(cloud.registry.thingGroupArn("plant")));
    cloud.iot.addThingToThingGroup(b -> b.thingName("t").thingGroupName("hall"));
    assertThat(may(issued, "t", "a")).isTrue();
    assertThat(may(issued, "", "a")).isTrue();
    assertThat(may(issued, "other", "a")).isFalse();
    assertThat(
            cloud
                .iot
                .listAttachedPolicies(
                    b -> b.target(cloud.registry.thingGroupArn("hall")).recursive(true))
                .policies())
        .extracting(Policy::policyName)
        .containsExactly("group");
    assertThat(
            cloud
                .iot
                .getEffectivePolicies(b -> b.thingName("t").principal(issued.certificateArn()))
                .effectivePolicies())
        .extracting(p -> p.policyName())
        .containsExactly("none", "group");
  }

  @Test
  void anOperatorCanAskWhatADeviceMayDo() {
    policy("allow", document("Allow", "${iot:ClientId}/*", ""));
    policy("deny", document("Deny", "t/secret", ""));
    var issued = device("t", "allow");
    assertThat(test(issued, "t/a")).isEqualTo(AuthDecision.ALLOWED);
    assertThat(test(issued, "u/a")).isEqualTo(AuthDecision.IMPLICIT_DENY);
    assertThat(test(issued, "t/secret")).isEqualTo(AuthDecision.ALLOWED);
    var results =
        cloud
            .iot
            .testAuthorization(
                b ->
                    b.principal(issued.certificateArn())
                        .clientId("t")
                        .policyNamesToAdd("deny")
                        .authInfos(info("t/secret")))
            .authResults();
    assertThat(results.getFirst().authDecision()).isEqualTo(AuthDecision.EXPLICIT_DENY);
    assertThat(results.getFirst().denied().explicitDeny().policies())
        .extracting(Policy::policyName)
        .containsExactly("deny");
  }

  private AuthDecision test(CreateKeysAndCertificateResponse issued, String topic) {
    return cloud
        .iot
        .testAuthorization(
            b -> b.principal(issued.certificateArn()).clientId("t").authInfos(info(topic)))
        .authResults()
        .getFirst()
        .authDecision();
  }

  private static AuthInfo info(String topic) {
    return AuthInfo.builder().actionType(ActionType.PUBLISH).resources(TOPIC + topic).build();
  }

  @Test
  void targetsAreCertificatesAndStaticGroupsAndHaveRoomForSoMany() {
    for (int i = 0; i < 3; i++) {
      policy("p" + i, document("Allow", "a", ""));
    }
    String group = cloud.iot.createThingGroup(b -> b.thingGroupName("g")).thingGroupArn();
    cloud.iot.attachPolicy(b -> b.policyName("p0").target(group));
    cloud.iot.attachPolicy(b -> b.policyName("p0").target(group));
    cloud.iot.attachPolicy(b -> b.policyName("p1").target(group));
    assertThatThrownBy(() -> cloud.iot.attachPolicy(b -> b.policyName("p2").target(group)))
        .isInstanceOf(LimitExceededException.class);
    cloud.iot.detachPolicy(b -> b.policyName("p1").target(group));
    assertThatThrownBy(() -> cloud.iot.detachPolicy(b -> b.policyName("p1").target(group)))
        .isInstanceOf(ResourceNotFoundException.class);
    String dynamic =
        cloud
            .iot
            .createDynamicThingGroup(b -> b.thingGroupName("d").queryString("thingName:a*"))
            .thingGroupArn();
    assertThatThrownBy(() -> cloud.iot.attachPolicy(b -> b.policyName("p2").target(dynamic)))
        .isInstanceOf(InvalidRequestException.class);
    assertThatThrownBy(() -> cloud.iot.listTargetsForPolicy(b -> b.policyName("none")))
        .isInstanceOf(ResourceNotFoundException.class)
        .hasMessageContaining("Policy not found");
    assertThat(cloud.iot.listTargetsForPolicy(b -> b.policyName("p0")).targets())
        .containsExactly(group);
  }
}
