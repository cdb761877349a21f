package io.ryegrass.acceptance;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.aws.greengrass.GreengrassCoreIPCClientV2;
import software.amazon.awssdk.aws.greengrass.model.ConflictError;
import software.amazon.awssdk.aws.greengrass.model.GetThingShadowRequest;
import software.amazon.awssdk.aws.greengrass.model.SubscribeToTopicRequest;
import software.amazon.awssdk.aws.greengrass.model.UnauthorizedError;
import software.amazon.awssdk.aws.greengrass.model.UpdateThingShadowRequest;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A component's shadow by AWS's IPC client, on a core that has no cloud. */
@DisplayName("S-14 Local shadows")
class LocalShadowScenarioTest {
  private static final String NAME = "com.example.Shadows";

  @TempDir Path folder;

  @Test
  @DisplayName("versions 1 and 2, delta, local topics, conflict, policy")
  void aComponentsShadowIsServedWithoutACloud() throws Exception {
    // as root, the component runs as 'nobody', who has to get there
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    TestCloud.write(
        folder.resolve("recipes/" + NAME + "-1.0.0.yaml"),
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: %s
        ComponentVersion: 1.0.0
        ComponentDependencies:
          aws.greengrass.ShadowManager: {VersionRequirement: '^2.0.0', DependencyType: HARD}
        ComponentConfiguration:
          DefaultConfiguration:
            accessControl:
              aws.greengrass.ShadowManager:
                'shadows:1': {operations: ['*'], resources: ['$aws/things/lamp/shadow*']}
              aws.greengrass.ipc.pubsub:
                'shadows:2': {operations: ['aws.greengrass#SubscribeToTopic'], resources: ['*']}
        Manifests:
          - Lifecycle:
              Run: echo $SVCUID > svcuid; exec sleep 100000
        """
            .formatted(NAME));
    try (TestCore core = TestCore.withoutCloud(folder, "local")) {
      core.start();
      core.deployLocallyAndSucceed(
          "-r", folder.resolve("recipes").toString(), "-m", NAME + "=1.0.0");
      try (GreengrassCoreIPCClientV2 component = core.as(NAME)) {
        List<String> heard = new CopyOnWriteArrayList<>();
        component.subscribeToTopic(
            new SubscribeToTopicRequest().withTopic("$aws/things/lamp/shadow/update/delta"),
            m -> heard.add(new String(m.getBinaryMessage().getMessage(), UTF_8)),
            Optional.empty(),
            Optional.empty());
        assertThat(update(component, "{\"state\":{\"desired\":{\"color\":\"green\"}}}"))
            .isEqualTo(1);
        assertThat(update(component, "{\"state\":{\"reported\":{\"color\":\"red\"}}}"))
            .isEqualTo(2);
        TestCore.await("deltas").until(() -> heard.size() == 2);
        assertThat(heard.getLast()).contains("{\"color\":\"green\"}");
        assertThatThrownBy(() -> update(component, "{\"state\":{},\"version\":1}"))
            .isInstanceOf(ConflictError.class);
        assertThatThrownBy(
                () -> component.getThingShadow(new GetThingShadowRequest().withThingName("other")))
            .isInstanceOf(UnauthorizedError.class);
        JsonNode shadow = get(component);
        assertThat(shadow.at("/state/delta/color").asString()).isEqualTo("green");
      }
    }
  }

  private static int update(GreengrassCoreIPCClientV2 component, String document)
      throws InterruptedException {
    byte[] accepted =
        component
            .updateThingShadow(
                new UpdateThingShadowRequest()
                    .withThingName("lamp")
                    .withShadowName("")
                    .withPayload(document.getBytes(UTF_8)))
            .getPayload();
    return JsonMapper.shared().readTree(accepted).path("version").asInt();
  }

  private static JsonNode get(GreengrassCoreIPCClientV2 component) throws InterruptedException {
    return JsonMapper.shared()
        .readTree(
            component
                .getThingShadow(new GetThingShadowRequest().withThingName("lamp"))
                .getPayload());
  }
}
