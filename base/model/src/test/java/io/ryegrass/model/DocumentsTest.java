package io.ryegrass.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DocumentsTest {
  private static final String ARN = "arn:aws:greengrass:us-east-1:000000000000:configuration:";

  @Test
  void a_deployment_document_is_read_with_the_devices_defaults() {
    DeploymentDocument document =
        DeploymentDocument.parse(
            """
            {"configurationArn": "%sthinggroup/site:north:7", "creationTimestamp": 5, "unknown": 1,
             "components": {"a": {"version": "1.0.0", "configurationUpdate": {"merge": {"x": 1}, "reset": ["/y"]},
               "runWith": {"posixUser": "u:g", "systemResourceLimits": {"memory": 10, "cpus": 0.5}}},
               "b": {"version": "2.0.0"}}}
            """
                .formatted(ARN));
    assertThat(document.groupKey()).isEqualTo("thinggroup/site:north");
    assertThat(document.failureHandlingPolicy()).isEqualTo(FailureHandlingPolicy.ROLLBACK);
    assertThat(document.componentUpdatePolicy())
        .isEqualTo(DeploymentDocument.ComponentUpdatePolicy.DEFAULT);
    assertThat(document.configurationValidationPolicy().timeout()).isEqualTo(60);
    assertThat(document.components().get("b").configurationUpdate())
        .isEqualTo(DeploymentDocument.ConfigurationUpdate.NONE);
    assertThat(document.components().get("b").runWith()).isNull();
    assertThat(DeploymentDocument.parse(document.toJson().toString())).isEqualTo(document);
  }

  @Test
  void the_group_key_names_thing_group_or_the_group_it_is_made_for() {
    assertThat(key("\"configurationArn\": \"" + ARN + "thing/core1:3\"")).isEqualTo("thing/core1");
    assertThat(key("\"configurationArn\": \"local-1\"")).isEqualTo("local-1");
    assertThat(
            key(
                "\"configurationArn\": \""
                    + ARN
                    + "thing/c:1\", \"onBehalfOf\": \"arn:aws:iot:us-east-1:0:thinggroup/g\""))
        .isEqualTo("thinggroup/g");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "{; DEPLOYMENT_DOCUMENT_PARSE_ERROR",
        "{}; DEPLOYMENT_DOCUMENT_NOT_VALID",
        "{\"configurationArn\":\"x\",\"components\":{\"a\":{}}}; COMPONENT_METADATA_NOT_VALID_IN_DEPLOYMENT",
        "{\"configurationArn\":\"x\",\"failureHandlingPolicy\":\"PANIC\"}; DEPLOYMENT_DOCUMENT_NOT_VALID",
      })
  void a_document_that_is_not_valid_is_refused_with_its_code(String json, String code) {
    assertThatThrownBy(() -> DeploymentDocument.parse(json))
        .isInstanceOfSatisfying(
            InvalidDocumentException.class, e -> assertThat(e.code()).isEqualTo(code));
  }

  @Test
  void an_arn_keeps_colons_and_slashes_of_its_resource() {
    Arn arn = Arn.parse("arn:aws:greengrass:us-east-1:aws:components:a:versions:1.0.0");
    assertThat(arn.resource()).isEqualTo("components:a:versions:1.0.0");
    assertThat(arn.account()).isEqualTo("aws");
    assertThat(arn.toString())
        .isEqualTo("arn:aws:greengrass:us-east-1:aws:components:a:versions:1.0.0");
    assertThat(Arn.parse("arn:aws:s3:::bucket/key").region()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "arn", "arn:aws:iot:us-east-1:0:", "arn::iot:r:a:x", "urn:a:b:c:d:e"})
  void what_is_no_arn_is_refused(String text) {
    assertThat(Arn.isArn(text)).isFalse();
    assertThatThrownBy(() -> Arn.parse(text)).isInstanceOf(InvalidDocumentException.class);
  }

  @ParameterizedTest(name = "{0} {1}: MQTT {2}, AWS {3}")
  @CsvSource({
    "a/b, a/b, true, true",
    "a/b, a/c, false, false",
    "a/+, a/b, true, true",
    "a/+, a, false, false",
    "a/+, a/, true, true",
    "a/+, a/b/c, false, false",
    "a/+/c, a/b/c, true, true",
    "+/+, /a, true, true",
    "+, /a, false, false",
    "/+, /a, true, true",
    "a/#, a/b/c, true, true",
    "a/#, a, true, false",
    "a/+/#, a/b, true, false",
    "#, a/b, true, true",
    "#, $aws/things, false, false",
    "+/things, $aws/things, false, false",
    "$aws/#, $aws/things, true, true",
    "$aws/+, $aws/things, true, true",
    "a, a/b, false, false",
    "a/b, a, false, false",
    "ab, a, false, false",
    "a/#, ab, false, false",
    "a//b, a//b, true, true",
    "a/+/b, a//b, true, true",
  })
  void a_filter_matches_as_mqtt_and_as_aws_say(
      String filter, String topic, boolean mqtt, boolean aws) {
    assertThat(Topics.matches(filter, topic)).isEqualTo(mqtt);
    assertThat(Topics.matchesAws(filter, topic)).isEqualTo(aws);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a/b+", "a/#/b", "a#", "##", "1/2/3/4/5/6/7/8/9"})
  void a_filter_that_is_not_well_formed_is_refused(String filter) {
    assertThatThrownBy(() -> Topics.checkFilter(filter, 256, 7))
        .isInstanceOf(InvalidDocumentException.class);
  }

  @Test
  void a_topic_to_publish_to_has_no_wildcard_and_keeps_the_limits() {
    Topics.checkTopic("1/2/3/4/5/6/7/8", 256, 7);
    Topics.checkFilter("+/a/#", 256, 7);
    for (String bad : new String[] {"a/+", "a/#", "", "é".repeat(129), "1/2/3/4/5/6/7/8/9"}) {
      assertThatThrownBy(() -> Topics.checkTopic(bad, 256, 7))
          .isInstanceOf(InvalidDocumentException.class);
    }
  }

  private static String key(String members) {
    return DeploymentDocument.parse("{" + members + "}").groupKey();
  }
}
