package io.ryegrass.registry.shadow;

import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.registry.TestRegistry;
import io.ryegrass.store.testing.OnBothDatabases;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Documents, versions, deltas and refusals of mqtt-cloud, section 3, over the MQTT topics. */
@OnBothDatabases
class ShadowServiceTest {
  private static final String SHADOW = "$aws/things/pump/shadow/name/state";

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
  void versionsStartAtOneAndGoOnCountingOverADeletion() {
    update("{\"state\":{\"desired\":{\"a\":1}}}");
    assertThat(accepted("update").path("version").asInt()).isEqualTo(1);
    send("delete", "");
    assertThat(accepted("delete").path("version").asInt()).isEqualTo(1);
    send("get", "");
    assertThat(rejected("get").path("code").asInt()).isEqualTo(404);

    update("{\"state\":{\"desired\":{\"a\":1}}}");

    assertThat(accepted("update").path("version").asInt()).isEqualTo(3);
  }

  @Test
  void theDeltaHoldsWhatDesiredWantsAndReportedLacks() {
    update(
        "{\"state\":{\"desired\":{\"a\":1,\"b\":{\"c\":2,\"d\":3},\"e\":[1,2]},"
            + "\"reported\":{\"a\":1.0,\"b\":{\"c\":9,\"d\":3},\"e\":[1],\"f\":0}}}");

    assertThat(message("update/delta").path("state"))
        .isEqualTo(json("{\"b\":{\"c\":2},\"e\":[1,2]}"));
    assertThat(
            message("update/delta").path("metadata").path("b").path("c").path("timestamp").asLong())
        .isPositive();
  }

  @Test
  void nullDeletesAKeyAndAWholeSection() {
    update("{\"state\":{\"desired\":{\"a\":1,\"b\":2},\"reported\":{\"x\":1}}}");
    update("{\"state\":{\"desired\":{\"a\":null},\"reported\":null}}");
    send("get", "");

    assertThat(accepted("get").path("state"))
        .isEqualTo(json("{\"desired\":{\"b\":2},\"delta\":{\"b\":2}}"));
  }

  @Test
  void anUpdateWithAnOldVersionIsRefusedAndChangesNothing() {
    update("{\"state\":{\"desired\":{\"a\":1}}}");
    update("{\"state\":{\"desired\":{\"a\":2}},\"version\":1}");
    update("{\"state\":{\"desired\":{\"a\":3}},\"version\":1,\"clientToken\":\"t\"}");

    assertThat(rejected("update").path("code").asInt()).isEqualTo(409);
    assertThat(rejected("update").path("clientToken").asString()).isEqualTo("t");
    send("get", "");
    assertThat(accepted("get").path("state").path("desired")).isEqualTo(json("{\"a\":2}"));
  }

  @Test
  void documentsShowBeforeAndAfter() {
    update("{\"state\":{\"reported\":{\"a\":1}}}");
    assertThat(message("update/documents").has("previous")).isFalse();
    update("{\"state\":{\"reported\":{\"a\":2}}}");

    JsonNode documents = message("update/documents");
    assertThat(documents.path("previous").path("state").path("reported"))
        .isEqualTo(json("{\"a\":1}"));
    assertThat(documents.path("current").path("state").path("reported"))
        .isEqualTo(json("{\"a\":2}"));
    assertThat(documents.path("current").path("version").asInt()).isEqualTo(2);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{ | 400 | Invalid JSON",
        "{} | 400 | Missing required node: state",
        "{\"state\":1} | 400 | State node must be an object",
        "{\"state\":{\"desired\":1}} | 400 | Desired node must be an object",
        "{\"state\":{\"reported\":[]}} | 400 | Reported node must be an object",
        "'' | 400 | Invalid JSON",
        "{\"state\":{}} x | 400 | Invalid JSON",
        "{\"state\":{\"temperature\":1}} | 400 | State contains an invalid node: 'temperature'",
        "{\"state\":{},\"clientToken\":7} | 400 | Invalid clientToken",
        "{\"state\":{},\"version\":\"x\"} | 400 | Invalid version",
        "{\"state\":{},\"version\":-1} | 400 | Invalid version",
        "{\"state\":{},\"version\":99999999999999999999} | 400 | Invalid version",
        "{\"state\":{},\"version\":7} | 400 | Invalid version",
        "{\"state\":{\"desired\":{\"a\":[null]}}} | 400 | State contains an invalid node",
        "{\"state\":{\"desired\":{\"1\":{\"2\":{\"3\":{\"4\":{\"5\":{\"6\":{\"7\":1}}}}}}}}}"
            + " | 400 | JSON contains too many levels of nesting; maximum is 6",
      })
  void badRequestsGetTheirCodeAndText(String request, int code, String text) {
    update(request);

    assertThat(rejected("update").path("code").asInt()).isEqualTo(code);
    assertThat(rejected("update").path("message").asString()).isEqualTo(text);
  }

  @Test
  void aValueAtTheSixthLevelIsTaken() {
    update("{\"state\":{\"desired\":{\"1\":{\"2\":{\"3\":{\"4\":{\"5\":{\"6\":1}}}}}}}}");

    assertThat(accepted("update").path("version").asInt()).isEqualTo(1);
  }

  @Test
  void aStateOverEightKilobytesIsRefused() {
    update("{\"state\":{\"desired\":{\"a\":\"" + "x".repeat(8200) + "\"}}}");

    assertThat(rejected("update").path("code").asInt()).isEqualTo(413);
  }

  private void update(String request) {
    send("update", request);
  }

  private void send(String operation, String payload) {
    cloud.fromDevice("pump", SHADOW + "/" + operation, payload);
  }

  private JsonNode accepted(String operation) {
    return message(operation + "/accepted");
  }

  private JsonNode rejected(String operation) {
    return message(operation + "/rejected");
  }

  private JsonNode message(String suffix) {
    return cloud.last(SHADOW + "/" + suffix);
  }

  private static JsonNode json(String text) {
    return JsonMapper.shared().readTree(text);
  }
}
