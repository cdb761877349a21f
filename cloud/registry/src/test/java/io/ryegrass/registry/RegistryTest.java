package io.ryegrass.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.store.testing.OnBothDatabases;
import java.io.IOException;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.iot.model.CertificateStateException;
import software.amazon.awssdk.services.iot.model.CertificateStatus;
import software.amazon.awssdk.services.iot.model.CreateKeysAndCertificateResponse;
import software.amazon.awssdk.services.iot.model.DeleteConflictException;
import software.amazon.awssdk.services.iot.model.InvalidRequestException;
import software.amazon.awssdk.services.iot.model.MalformedPolicyException;
import software.amazon.awssdk.services.iot.model.ResourceAlreadyExistsException;
import software.amazon.awssdk.services.iot.model.ResourceNotFoundException;

/** The IoT API with AWS's own client, and the gateway's question (mqtt-cloud, sections 5 and 7). */
@OnBothDatabases
class RegistryTest {
  private static final String PUBLISH_OWN =
      """
      {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:Publish",
      "Resource":"arn:aws:iot:us-east-1:000000000000:topic/own/${iot:ClientId}"}]}""";

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

  @Test
  void creatingAThingTwiceIsFineUnlessItsAttributesDiffer() {
    var first = cloud.iot.createThing(b -> b.thingName("pump"));
    assertThat(cloud.iot.createThing(b -> b.thingName("pump")).thingId())
        .isEqualTo(first.thingId());
    assertThatThrownBy(
            () ->
                cloud.iot.createThing(
                    b -> b.thingName("pump").attributePayload(a -> a.attributes(Map.of("x", "1")))))
        .isInstanceOf(ResourceAlreadyExistsException.class);
  }

  @Test
  void thingsAreListedPageByPage() {
    for (int i = 0; i < 5; i++) {
      String name = "thing" + i;
      cloud.iot.createThing(b -> b.thingName(name));
    }
    assertThat(cloud.iot.listThingsPaginator(b -> b.maxResults(2)).things())
        .extracting(t -> t.thingName())
        .containsExactly("thing0", "thing1", "thing2", "thing3", "thing4");
  }

  @Test
  void aThingTypeIsDescribedWithTheIdItWasMadeWith() {
    String id = cloud.iot.createThingType(b -> b.thingTypeName("pumps")).thingTypeId();

    assertThat(cloud.iot.describeThingType(b -> b.thingTypeName("pumps")).thingTypeId())
        .isEqualTo(id);
  }

  @Test
  void anUnknownThingIsNamedInTheError() {
    assertThatThrownBy(() -> cloud.iot.describeThing(b -> b.thingName("nobody")))
        .isInstanceOf(ResourceNotFoundException.class)
        .hasMessageContaining("nobody");
  }

  @Test
  void onlyAnActiveCertificateIsADevice() {
    CreateKeysAndCertificateResponse issued = issue("pump", "own", PUBLISH_OWN);
    X509Certificate presented = Certificates.parse(issued.certificatePem());
    assertThat(cloud.registry.findActive(presented))
        .hasValueSatisfying(d -> assertThat(d.thingNames()).containsExactly("pump"));

    cloud.iot.updateCertificate(
        b -> b.certificateId(issued.certificateId()).newStatus(CertificateStatus.INACTIVE));

    assertThat(cloud.registry.findActive(presented)).isEmpty();
  }

  @Test
  void policiesDecideFromTheNextRequestOn() {
    CreateKeysAndCertificateResponse issued = issue("pump", "own", PUBLISH_OWN);
    DevicePrincipal device =
        cloud.registry.findActive(Certificates.parse(issued.certificatePem())).orElseThrow();
    String topic = "arn:aws:iot:us-east-1:000000000000:topic/own/pump";
    assertThat(allowed(device, topic)).isTrue();
    assertThat(allowed(device, topic + "x")).isFalse();

    cloud.iot.detachPolicy(b -> b.policyName("own").target(issued.certificateArn()));

    assertThat(allowed(device, topic)).isFalse();
  }

  @Test
  void aGroupsPolicyAndItsParentsHoldForItsThings() {
    CreateKeysAndCertificateResponse issued = issue("pump", "nothing", deny("none"));
    DevicePrincipal device =
        cloud.registry.findActive(Certificates.parse(issued.certificatePem())).orElseThrow();
    cloud.iot.createThingGroup(b -> b.thingGroupName("plant"));
    cloud.iot.createThingGroup(b -> b.thingGroupName("hall").parentGroupName("plant"));
    cloud.iot.createPolicy(b -> b.policyName("own").policyDocument(PUBLISH_OWN));
    cloud.iot.attachPolicy(b -> b.policyName("own").target(cloud.registry.thingGroupArn("plant")));
    String topic = "arn:aws:iot:us-east-1:000000000000:topic/own/pump";
    assertThat(allowed(device, topic)).isFalse();

    cloud.iot.addThingToThingGroup(b -> b.thingName("pump").thingGroupName("hall"));

    assertThat(allowed(device, topic)).isTrue();
  }

  @Test
  void aMalformedPolicyIsRefusedAndNotKept() {
    assertThatThrownBy(() -> cloud.iot.createPolicy(b -> b.policyName("p").policyDocument("{")))
        .isInstanceOf(MalformedPolicyException.class);
    assertThat(cloud.iot.listPolicies(b -> {}).policies()).isEmpty();
  }

  @Test
  void whatIsInUseCannotBeDeleted() {
    CreateKeysAndCertificateResponse issued = issue("pump", "own", PUBLISH_OWN);

    assertThatThrownBy(() -> cloud.iot.deleteThing(b -> b.thingName("pump")))
        .isInstanceOf(InvalidRequestException.class);
    assertThatThrownBy(() -> cloud.iot.deletePolicy(b -> b.policyName("own")))
        .isInstanceOf(DeleteConflictException.class);
    assertThatThrownBy(
            () -> cloud.iot.deleteCertificate(b -> b.certificateId(issued.certificateId())))
        .isInstanceOf(CertificateStateException.class);
  }

  @Test
  void aPolicyChangesByItsDefaultVersion() {
    cloud.iot.createPolicy(b -> b.policyName("p").policyDocument(PUBLISH_OWN));
    var second =
        cloud.iot.createPolicyVersion(
            b -> b.policyName("p").policyDocument(deny("all")).setAsDefault(true));
    assertThat(second.policyVersionId()).isEqualTo("2");
    assertThat(cloud.iot.getPolicy(b -> b.policyName("p")).policyDocument()).contains("Deny");

    cloud.iot.createPolicyVersion(
        b -> b.policyName("p").policyDocument(PUBLISH_OWN).setAsDefault(true));

    assertThat(cloud.iot.getPolicy(b -> b.policyName("p")).policyDocument()).contains("Allow");
  }

  /** CreateRoleAlias has no error for a role that is not there; a device's question shows it. */
  @Test
  void aRoleAliasIsKeptAsItWasGiven() {
    cloud.iot.createRoleAlias(
        b ->
            b.roleAlias("a")
                .roleArn("arn:aws:iam::000000000000:role/later")
                .credentialDurationSeconds(900));

    assertThat(cloud.registry.findRoleAlias("a"))
        .hasValueSatisfying(
            alias -> {
              assertThat(alias.roleArn()).isEqualTo("arn:aws:iam::000000000000:role/later");
              assertThat(alias.credentialDuration().toSeconds()).isEqualTo(900);
            });
    assertThatThrownBy(() -> cloud.iot.describeRoleAlias(b -> b.roleAlias("b")))
        .isInstanceOf(ResourceNotFoundException.class)
        .hasMessageContaining("RoleAlias not found (name= b)");
  }

  private CreateKeysAndCertificateResponse issue(String thing, String policy, String document) {
    cloud.iot.createThing(b -> b.thingName(thing));
    cloud.iot.createPolicy(b -> b.policyName(policy).policyDocument(document));
    var issued = cloud.iot.createKeysAndCertificate(b -> b.setAsActive(true));
    cloud.iot.attachPolicy(b -> b.policyName(policy).target(issued.certificateArn()));
    cloud.iot.attachThingPrincipal(b -> b.thingName(thing).principal(issued.certificateArn()));
    return issued;
  }

  private boolean allowed(DevicePrincipal device, String resource) {
    return cloud.registry.isAllowed(
        device, "iot:Publish", resource, Map.of("iot:ClientId", "pump"));
  }

  private static String deny(String topic) {
    return "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"iot:Publish\","
        + "\"Resource\":\"arn:aws:iot:us-east-1:000000000000:topic/"
        + topic
        + "\"}]}";
  }
}
