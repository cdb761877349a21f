package io.ryegrass.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.identity.CertificateAuthority;
import io.ryegrass.identity.CertificateIds;
import io.ryegrass.store.testing.OnBothDatabases;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.iot.model.CACertificateStatus;
import software.amazon.awssdk.services.iot.model.CertificateMode;
import software.amazon.awssdk.services.iot.model.CertificateStateException;
import software.amazon.awssdk.services.iot.model.CertificateStatus;
import software.amazon.awssdk.services.iot.model.CertificateValidationException;
import software.amazon.awssdk.services.iot.model.DeleteConflictException;
import software.amazon.awssdk.services.iot.model.InvalidRequestException;
import software.amazon.awssdk.services.iot.model.RegistrationCodeValidationException;
import software.amazon.awssdk.services.iot.model.RegistrationConfig;
import software.amazon.awssdk.services.iot.model.ResourceAlreadyExistsException;
import software.amazon.awssdk.services.iot.model.ResourceNotFoundException;
import tools.jackson.databind.JsonNode;

/**
 * Device certificates and the customer's own authorities (developer guide, client certificates).
 */
@OnBothDatabases
class CertificatesTest {
  private static final String EVENT = "$aws/events/certificates/registered/";

  @TempDir Path folder;
  private TestRegistry cloud;
  private CertificateAuthority own;

  @BeforeEach
  void start() throws IOException {
    cloud = new TestRegistry(folder);
    own = CertificateAuthority.openOrCreate(folder.resolve("own"), "Factory CA");
  }

  @AfterEach
  void stop() {
    cloud.close();
  }

  private String registerOwn(boolean auto, RegistrationConfig config) {
    String code = cloud.iot.getRegistrationCode(b -> {}).registrationCode();
    return cloud
        .iot
        .registerCACertificate(
            b ->
                b.caCertificate(own.certificatePem())
                    .verificationCertificate(own.issueDevice(code).certificatePem())
                    .setAsActive(true)
                    .allowAutoRegistration(auto)
                    .registrationConfig(config))
        .certificateId();
  }

  @Test
  void anAuthorityIsRegisteredByWhoHasItsKey() {
    String code = cloud.iot.getRegistrationCode(b -> {}).registrationCode();
    assertThat(code).hasSize(64);
    assertThat(cloud.iot.getRegistrationCode(b -> {}).registrationCode()).isEqualTo(code);
    assertThatThrownBy(
            () ->
                cloud.iot.registerCACertificate(
                    b ->
                        b.caCertificate(own.certificatePem())
                            .verificationCertificate(own.issueDevice("no code").certificatePem())))
        .isInstanceOf(RegistrationCodeValidationException.class);
    CertificateAuthority other =
        CertificateAuthority.openOrCreate(folder.resolve("other"), "Factory CA");
    assertThatThrownBy(
            () ->
                cloud.iot.registerCACertificate(
                    b ->
                        b.caCertificate(own.certificatePem())
                            .verificationCertificate(other.issueDevice(code).certificatePem())))
        .isInstanceOf(CertificateValidationException.class);
    assertThatThrownBy(
            () ->
                cloud.iot.registerCACertificate(
                    b ->
                        b.caCertificate(own.issueDevice("no CA").certificatePem())
                            .certificateMode(CertificateMode.SNI_ONLY)))
        .isInstanceOf(CertificateValidationException.class);

    String id = registerOwn(false, null);

    assertThat(id).isEqualTo(CertificateIds.of(own.certificate()));
    assertThatThrownBy(() -> registerOwn(false, null))
        .isInstanceOf(ResourceAlreadyExistsException.class);
    assertThat(cloud.iot.describeCACertificate(b -> b.certificateId(id)).certificateDescription())
        .satisfies(
            d -> {
              assertThat(d.status()).isEqualTo(CACertificateStatus.ACTIVE);
              assertThat(d.autoRegistrationStatusAsString()).isEqualTo("DISABLE");
              assertThat(d.certificateModeAsString()).isEqualTo("DEFAULT");
              assertThat(d.validity().notAfter()).isNotNull();
            });
    assertThat(cloud.registry.trustedAuthorities()).containsExactly(own.certificate());
    assertThatThrownBy(() -> cloud.iot.deleteCACertificate(b -> b.certificateId(id)))
        .isInstanceOf(CertificateStateException.class);
    cloud.iot.updateCACertificate(b -> b.certificateId(id).newStatus(CACertificateStatus.INACTIVE));
    cloud.iot.deleteCACertificate(b -> b.certificateId(id));
    assertThat(cloud.iot.listCACertificates(b -> {}).certificates()).isEmpty();
    assertThatThrownBy(() -> cloud.iot.describeCACertificate(b -> b.certificateId(id)))
        .isInstanceOf(ResourceNotFoundException.class);
  }

  @Test
  void aCertificateIsRegisteredWithItsAuthority() {
    var device = own.issueDevice("pump");
    assertThatThrownBy(
            () -> cloud.iot.registerCertificate(b -> b.certificatePem(device.certificatePem())))
        .isInstanceOf(CertificateValidationException.class);
    String ca =
        cloud
            .iot
            .registerCACertificate(
                b ->
                    b.caCertificate(own.certificatePem()).certificateMode(CertificateMode.SNI_ONLY))
            .certificateId();

    var registered =
        cloud.iot.registerCertificate(
            b -> b.certificatePem(device.certificatePem()).status(CertificateStatus.ACTIVE));

    assertThat(
            cloud
                .iot
                .describeCertificate(b -> b.certificateId(registered.certificateId()))
                .certificateDescription())
        .satisfies(
            d -> {
              assertThat(d.caCertificateId()).isEqualTo(ca);
              assertThat(d.certificateModeAsString()).isEqualTo("SNI_ONLY");
            });
    assertThat(cloud.iot.listCertificatesByCA(b -> b.caCertificateId(ca)).certificates())
        .extracting(c -> c.certificateId())
        .containsExactly(registered.certificateId());
    assertThat(cloud.registry.findActive(device.certificate())).isPresent();
    assertThatThrownBy(
            () ->
                cloud.iot.registerCertificateWithoutCA(
                    b -> b.certificatePem(device.certificatePem())))
        .isInstanceOf(ResourceAlreadyExistsException.class)
        .hasMessageContaining("The certificate is already provisioned or registered");
  }

  @Test
  void aDeviceOfAnAuthorityThatAllowsItIsRegisteredByItsFirstConnection() {
    String ca = registerOwn(true, null);
    var device = own.issueDevice("pump");
    String id = CertificateIds.of(device.certificate());

    assertThat(cloud.registry.findActive(device.certificate())).isEmpty();
    assertThat(cloud.published).as("asking is not connecting").isEmpty();
    assertThat(cloud.registry.findOrRegister(device.certificate())).isEmpty();

    JsonNode event = cloud.last(EVENT + ca);
    assertThat(event.path("certificateId").asString()).isEqualTo(id);
    assertThat(event.path("caCertificateId").asString()).isEqualTo(ca);
    assertThat(event.path("certificateStatus").asString()).isEqualTo("PENDING_ACTIVATION");
    assertThat(event.path("awsAccountId").asString()).isEqualTo("000000000000");
    assertThat(cloud.iot.describeCertificate(b -> b.certificateId(id)).certificateDescription())
        .satisfies(d -> assertThat(d.statusAsString()).isEqualTo("PENDING_ACTIVATION"));
    cloud.registry.findOrRegister(device.certificate());
    assertThat(cloud.published).as("each attempt is told").hasSize(2);

    cloud.iot.updateCertificate(b -> b.certificateId(id).newStatus(CertificateStatus.ACTIVE));

    assertThat(cloud.registry.findOrRegister(device.certificate())).isPresent();
  }

  @Test
  void nobodyIsRegisteredByAnAuthorityThatDoesNotAllowItOrDidNotSign() {
    String ca = registerOwn(false, null);
    var device = own.issueDevice("pump");
    assertThat(cloud.registry.findOrRegister(device.certificate())).isEmpty();
    cloud.iot.updateCACertificate(
        b -> b.certificateId(ca).newAutoRegistrationStatus("ENABLE").newStatus("INACTIVE"));
    assertThat(cloud.registry.findOrRegister(device.certificate())).isEmpty();
    cloud.iot.updateCACertificate(b -> b.certificateId(ca).newStatus("ACTIVE"));
    CertificateAuthority impostor =
        CertificateAuthority.openOrCreate(folder.resolve("impostor"), "Factory CA");
    cloud.registry.findOrRegister(impostor.issueDevice("pump").certificate());
    assertThat(cloud.iot.listCertificates(b -> {}).certificates()).isEmpty();
  }

  @Test
  void aTemplateOfTheAuthorityMakesThingAndPolicy() {
    String template =
        """
        {"Parameters":{"AWS::IoT::Certificate::CommonName":{"Type":"String"},
          "AWS::IoT::Certificate::Id":{"Type":"String"}},
         "Resources":{
          "thing":{"Type":"AWS::IoT::Thing","Properties":{
            "ThingName":{"Ref":"AWS::IoT::Certificate::CommonName"},
            "AttributePayload":{"made":"justintime"}}},
          "certificate":{"Type":"AWS::IoT::Certificate","Properties":{
            "CertificateId":{"Ref":"AWS::IoT::Certificate::Id"},"Status":"ACTIVE"}},
          "policy":{"Type":"AWS::IoT::Policy","Properties":{"PolicyDocument":
            "{\\"Version\\":\\"2012-10-17\\",\\"Statement\\":[{\\"Effect\\":\\"Allow\\",\\"Action\\":\\"iot:Connect\\",\\"Resource\\":\\"*\\"}]}"}}}}
        """;
    registerOwn(
        true,
        RegistrationConfig.builder()
            .templateBody(template)
            .roleArn("arn:aws:iam::000000000000:role/jitp")
            .build());

    var device = cloud.registry.findOrRegister(own.issueDevice("pump-7").certificate());

    assertThat(device)
        .hasValueSatisfying(
            d -> {
              assertThat(d.thingNames()).containsExactly("pump-7");
              assertThat(
                      cloud.registry.isAllowed(
                          d, "iot:Connect", "client/pump-7", Map.of("iot:ClientId", "pump-7")))
                  .isTrue();
            });
    assertThat(cloud.iot.describeThing(b -> b.thingName("pump-7")).attributes())
        .isEqualTo(Map.of("made", "justintime"));
  }

  @Test
  void twoCertificatesOfAThingAreActiveWhileOneReplacesTheOther() {
    cloud.iot.createThing(b -> b.thingName("t"));
    var old = cloud.iot.createKeysAndCertificate(b -> b.setAsActive(true));
    var young = cloud.iot.createKeysAndCertificate(b -> b.setAsActive(true));
    for (String arn : List.of(old.certificateArn(), young.certificateArn())) {
      cloud.iot.attachThingPrincipal(b -> b.thingName("t").principal(arn));
    }
    assertThat(cloud.iot.listThingPrincipals(b -> b.thingName("t")).principals())
        .containsExactlyInAnyOrder(old.certificateArn(), young.certificateArn());
    assertThat(active(old.certificatePem())).isTrue();
    assertThat(active(young.certificatePem())).isTrue();

    cloud.iot.updateCertificate(
        b -> b.certificateId(old.certificateId()).newStatus(CertificateStatus.INACTIVE));

    assertThat(active(old.certificatePem())).isFalse();
    assertThat(active(young.certificatePem())).isTrue();
    assertThatThrownBy(() -> cloud.iot.deleteCertificate(b -> b.certificateId(old.certificateId())))
        .isInstanceOf(DeleteConflictException.class)
        .hasMessageContaining(
            "Things must be detached before deletion (arn: " + old.certificateArn() + ")");
    cloud.iot.detachThingPrincipal(b -> b.thingName("t").principal(old.certificateArn()));
    cloud.iot.deleteCertificate(b -> b.certificateId(old.certificateId()));
    assertThatThrownBy(
            () -> cloud.iot.deleteCertificate(b -> b.certificateId(young.certificateId())))
        .isInstanceOf(CertificateStateException.class)
        .hasMessageContaining("Certificate must be deactivated (not ACTIVE) before deletion. Id: ");
  }

  private boolean active(String pem) {
    return cloud.registry.findActive(Certificates.parse(pem)).isPresent();
  }

  @Test
  void attachedPoliciesKeepACertificateUnlessItIsForced() {
    cloud.iot.createPolicy(
        b ->
            b.policyName("p")
                .policyDocument(
                    "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}"));
    var made = cloud.iot.createKeysAndCertificate(b -> b.setAsActive(false));
    cloud.iot.attachPolicy(b -> b.policyName("p").target(made.certificateArn()));
    assertThatThrownBy(
            () -> cloud.iot.deleteCertificate(b -> b.certificateId(made.certificateId())))
        .isInstanceOf(DeleteConflictException.class)
        .hasMessageContaining("Certificate policies must be detached before deletion (arn: ");
    assertThatThrownBy(
            () ->
                cloud.iot.updateCertificate(
                    b ->
                        b.certificateId(made.certificateId())
                            .newStatus(CertificateStatus.PENDING_TRANSFER)))
        .isInstanceOf(InvalidRequestException.class);

    cloud.iot.deleteCertificate(b -> b.certificateId(made.certificateId()).forceDelete(true));

    assertThat(cloud.iot.listTargetsForPolicy(b -> b.policyName("p")).targets()).isEmpty();
  }
}
