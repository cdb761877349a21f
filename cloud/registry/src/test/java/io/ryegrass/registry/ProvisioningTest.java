package io.ryegrass.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ryegrass.store.testing.OnBothDatabases;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.iot.model.CertificateStatus;
import software.amazon.awssdk.services.iot.model.DeleteConflictException;
import software.amazon.awssdk.services.iot.model.InvalidRequestException;
import software.amazon.awssdk.services.iot.model.ResourceAlreadyExistsException;
import software.amazon.awssdk.services.iot.model.ResourceNotFoundException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Fleet provisioning as AWS's client and a device see it: PRV-09, PRV-13, PRV-14. */
@OnBothDatabases
class ProvisioningTest {
  private static final String CREATE = "$aws/certificates/create/json";
  private static final String PROVISION = "$aws/provisioning-templates/fleet/provision/json";
  private static final String BODY =
      """
      {"Parameters": {
         "ThingName": {"Type": "String"}, "Line": {"Type": "String", "Default": "one"},
         "AWS::IoT::Certificate::Id": {"Type": "String"}},
       "Mappings": {"Rooms": {"one": {"floor": "f1"}, "two": {"floor": "f2"}}},
       "Resources": {
         "thing": {"Type": "AWS::IoT::Thing", "OverrideSettings": {"AttributePayload": "MERGE"},
           "Properties": {
             "ThingName": {"Fn::Join": ["", ["fleet_", {"Ref": "ThingName"}]]},
             "AttributePayload": {"floor": {"Fn::FindInMap": ["Rooms", {"Ref": "Line"}, "floor"]}},
             "ThingGroups": ["cores"]}},
         "certificate": {"Type": "AWS::IoT::Certificate",
           "Properties": {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}, "Status": "Active"}},
         "policy": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyName": "core"}}},
       "DeviceConfiguration": {"greeting": {"Fn::Sub": "hello ${ThingName}, ${!kept}"},
         "second": {"Fn::Select": [1, {"Fn::Split": ["-", {"Ref": "ThingName"}]}]}}}
      """;
  private static final String ROLE = "arn:aws:iam::000000000000:role/provisioning";

  @TempDir Path temp;
  private TestRegistry cloud;

  @BeforeEach
  void start() throws Exception {
    cloud = new TestRegistry(temp);
    cloud.iot.createThingGroup(b -> b.thingGroupName("cores"));
    cloud.iot.createPolicy(
        b ->
            b.policyName("core")
                .policyDocument(
                    """
                    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:*",\
                    "Resource":"*"}]}"""));
  }

  @AfterEach
  void stop() {
    cloud.close();
  }

  private void template(String body) {
    cloud.iot.createProvisioningTemplate(
        b -> b.templateName("fleet").templateBody(body).enabled(true).provisioningRoleArn(ROLE));
  }

  /** The answer to a request, accepted or rejected; never anybody else's. */
  private JsonNode ask(String topic, Object request, String outcome) {
    int before = cloud.delivered.size();
    cloud.fromDevice("claim-1", topic, JsonMapper.shared().writeValueAsString(request));
    await().atMost(Duration.ofSeconds(20)).until(() -> cloud.delivered.size() > before);
    TestRegistry.Published answer = cloud.delivered.getLast();
    assertThat(answer.topic()).as(answer.payload().toString()).isEqualTo(topic + "/" + outcome);
    return answer.payload();
  }

  private JsonNode register(JsonNode certificate, Map<String, String> parameters, String outcome) {
    return ask(
        PROVISION,
        Map.of(
            "certificateOwnershipToken",
            certificate.path("certificateOwnershipToken").asString(),
            "parameters",
            parameters),
        outcome);
  }

  private CertificateStatus status(JsonNode certificate) {
    return cloud
        .iot
        .describeCertificate(b -> b.certificateId(certificate.path("certificateId").asString()))
        .certificateDescription()
        .status();
  }

  @Test
  void aDeviceGetsKeysAndBecomesTheThingOfTheTemplate() {
    template(BODY);
    JsonNode certificate = ask(CREATE, Map.of(), "accepted");
    assertThat(certificate.path("privateKey").asString()).contains("PRIVATE KEY");
    assertThat(status(certificate)).isEqualTo(CertificateStatus.PENDING_ACTIVATION);

    JsonNode registered =
        register(certificate, Map.of("ThingName", "a-b", "Line", "two"), "accepted");
    assertThat(registered.path("thingName").asString()).isEqualTo("fleet_a-b");
    assertThat(registered.at("/deviceConfiguration/greeting").asString())
        .isEqualTo("hello a-b, ${kept}");
    assertThat(registered.at("/deviceConfiguration/second").asString()).isEqualTo("b");
    assertThat(status(certificate)).isEqualTo(CertificateStatus.ACTIVE);
    assertThat(cloud.iot.describeThing(b -> b.thingName("fleet_a-b")).attributes())
        .containsEntry("floor", "f2");
    assertThat(cloud.registry.thingGroupsOf("fleet_a-b")).containsExactly("cores");
    assertThat(cloud.registry.isAttached(certificate.path("certificateId").asString(), "fleet_a-b"))
        .isTrue();
    String arn = cloud.registry.certArn(certificate.path("certificateId").asString());
    assertThat(cloud.iot.listAttachedPolicies(b -> b.target(arn)).policies())
        .singleElement()
        .satisfies(p -> assertThat(p.policyName()).isEqualTo("core"));
    assertThat(cloud.published).as("nothing goes to other sessions").isEmpty();
  }

  @Test
  void anAnswerThatWasLostCanBeAskedForAgainAndTheTokenServesNothingElse() {
    template(BODY);
    JsonNode certificate = ask(CREATE, Map.of(), "accepted");
    JsonNode first = register(certificate, Map.of("ThingName", "a-1"), "accepted");
    assertThat(register(certificate, Map.of("ThingName", "a-1"), "accepted")).isEqualTo(first);
    JsonNode other = register(certificate, Map.of("ThingName", "a-2"), "rejected");
    assertThat(other.path("statusCode").asInt()).isEqualTo(400);
    assertThat(other.path("errorCode").asString()).isEqualTo("InvalidCertificateOwnershipToken");
    assertThat(cloud.registry.thingExists("fleet_a-2")).isFalse();
  }

  @Test
  void whatCannotBeMadeIsRejectedAndNothingOfItRemains() {
    template(BODY.replace("\"cores\"", "\"missing\""));
    JsonNode certificate = ask(CREATE, Map.of(), "accepted");
    assertThat(
            register(certificate, Map.of("ThingName", "x-y"), "rejected")
                .path("errorMessage")
                .asString())
        .contains("thing group missing");
    assertThat(cloud.registry.thingExists("fleet_x-y")).isFalse();
    assertThat(status(certificate)).isEqualTo(CertificateStatus.PENDING_ACTIVATION);
    assertThat(register(certificate, Map.of(), "rejected").path("errorMessage").asString())
        .contains("parameter ThingName");
    cloud.iot.createThingGroup(b -> b.thingGroupName("missing"));
    register(certificate, Map.of("ThingName", "x-y"), "accepted");
  }

  @Test
  void aTemplateThatIsMissingOrNotEnabledRejects() {
    JsonNode certificate = ask(CREATE, Map.of(), "accepted");
    assertThat(
            register(certificate, Map.of("ThingName", "a-b"), "rejected")
                .path("statusCode")
                .asInt())
        .isEqualTo(404);
    cloud.iot.createProvisioningTemplate(
        b -> b.templateName("fleet").templateBody(BODY).provisioningRoleArn(ROLE));
    assertThat(
            register(certificate, Map.of("ThingName", "a-b"), "rejected")
                .path("errorMessage")
                .asString())
        .contains("not enabled");
  }

  @Test
  void aSigningRequestThatIsNoneIsRejectedPRV_18() {
    JsonNode answer =
        ask(
            "$aws/certificates/create-from-csr/json",
            Map.of("certificateSigningRequest", "no"),
            "rejected");
    assertThat(answer.path("errorCode").asString()).isEqualTo("InvalidCertificateSigningRequest");
  }

  @Test
  void templatesAndTheirVersionsAreKept() {
    template(BODY);
    assertThatThrownBy(() -> template(BODY)).isInstanceOf(ResourceAlreadyExistsException.class);
    var created =
        cloud.iot.createProvisioningTemplateVersion(
            b ->
                b.templateName("fleet")
                    .templateBody(BODY.replace("hello", "hi"))
                    .setAsDefault(true));
    assertThat(created.versionId()).isEqualTo(2);
    assertThat(cloud.iot.describeProvisioningTemplate(b -> b.templateName("fleet")))
        .satisfies(
            t -> {
              assertThat(t.defaultVersionId()).isEqualTo(2);
              assertThat(t.templateBody()).contains("hi ${ThingName}");
              assertThat(t.provisioningRoleArn()).isEqualTo(ROLE);
              assertThat(t.enabled()).isTrue();
            });
    assertThat(
            cloud
                .iot
                .listProvisioningTemplateVersions(b -> b.templateName("fleet"))
                .versions()
                .stream()
                .map(v -> v.versionId() + ":" + v.isDefaultVersion()))
        .containsExactly("2:true", "1:false");
    assertThatThrownBy(
            () ->
                cloud.iot.deleteProvisioningTemplateVersion(
                    b -> b.templateName("fleet").versionId(2)))
        .isInstanceOf(DeleteConflictException.class);
    cloud.iot.deleteProvisioningTemplateVersion(b -> b.templateName("fleet").versionId(1));
    assertThat(cloud.iot.listProvisioningTemplates(b -> {}).templates())
        .singleElement()
        .satisfies(t -> assertThat(t.templateArn()).endsWith(":provisioningtemplate/fleet"));
    cloud.iot.deleteProvisioningTemplate(b -> b.templateName("fleet"));
    assertThatThrownBy(() -> cloud.iot.describeProvisioningTemplate(b -> b.templateName("fleet")))
        .isInstanceOf(ResourceNotFoundException.class);
  }

  @Test
  void mistakesOfATemplateAreToldWhenItIsCreated() {
    for (List<String> wrong :
        List.of(
            List.of(BODY.replace("Fn::Join", "Fn::Glue"), "Fn::Glue"),
            List.of(BODY.replace("{\"Ref\": \"Line\"}", "{\"Ref\": \"Row\"}"), "'Row'"),
            List.of(BODY.replace("AWS::IoT::Policy", "AWS::S3::Bucket"), "AWS::S3::Bucket"),
            List.of(BODY.replace("\"MERGE\"", "\"MELT\""), "MELT"),
            List.of("{\"Resources\": {}}", "one AWS::IoT::Certificate"),
            List.of("[", "no JSON"))) {
      assertThatThrownBy(() -> template(wrong.getFirst()))
          .isInstanceOf(InvalidRequestException.class)
          .hasMessageContaining(wrong.getLast());
    }
    assertThatThrownBy(
            () ->
                cloud.iot.createProvisioningTemplate(
                    b ->
                        b.templateName("fleet")
                            .templateBody(BODY)
                            .provisioningRoleArn(ROLE)
                            .preProvisioningHook(h -> h.targetArn("arn:aws:lambda:x"))))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("does not run functions");
  }
}
