package io.ryegrass.v1;

import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.model.Json;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.node.ObjectNode;

/** DIR-09: {@code group.json} out of what runs. */
class GroupFileTest {
  @Test
  void aGroupHasTheListsOfTheApi() {
    ObjectNode effective =
        (ObjectNode)
            Json.read(
                """
                {"services": {
                  "hello": {"componentType": "LAMBDA", "configuration": {
                    "lambdaArn": "arn:aws:lambda:us-east-1:1:function:hello:2", "pinned": true,
                    "timeoutInSeconds": 25, "inputPayloadEncodingType": "binary",
                    "containerMode": "NoContainer", "runAs": {"uid": 5},
                    "lambdaExecutionParameters": {"EnvironmentVariables": {"A": "b"}},
                    "group": {"id": "g-1", "name": "Home"}}},
                  "own": {"componentType": "GENERIC", "configuration": {}},
                  "aws.greengrass.LambdaManager": {"componentType": "PLUGIN", "configuration": {
                    "loggers": [{"Id": "l", "Component": "Lambda", "Type": "FileSystem", "Level": "INFO", "Space": 5}]}},
                  "aws.greengrass.LegacySubscriptionRouter": {"configuration": {"subscriptions": {
                    "s": {"id": "s", "source": "cloud", "subject": "a/#", "target": "arn:aws:lambda:us-east-1:1:function:hello:2"}}}},
                  "aws.greengrass.clientdevices.Auth": {"configuration": {"groupId": "g-1", "groupName": "Home",
                    "devices": {"D": {"thingArn": "arn:aws:iot:us-east-1:1:thing/D", "certificateId": "abc", "syncShadow": true}}}}}}
                """);
    GroupFile group = GroupFile.of(effective);
    assertThat(group.functions()).containsExactly("arn:aws:lambda:us-east-1:1:function:hello:2");
    assertThat(Json.text(group.content()))
        .isEqualTo(
            """
            {"GroupId":"g-1","GroupName":"Home","Functions":[{"Id":"hello","FunctionArn":"arn:aws:lambda:us-east-1:1:function:hello:2",\
            "FunctionConfiguration":{"Pinned":true,"Timeout":25,"EncodingType":"binary","Environment":{"Execution":{"IsolationMode":"NoContainer",\
            "RunAs":{"Uid":5}},"Variables":{"A":"b"}}}}],"Devices":[{"Id":"D","ThingArn":"arn:aws:iot:us-east-1:1:thing/D",\
            "CertificateArn":"arn:aws:iot:us-east-1:1:cert/abc","SyncShadow":true}],"Subscriptions":[{"Id":"s","Source":"cloud","Subject":"a/#",\
            "Target":"arn:aws:lambda:us-east-1:1:function:hello:2"}],"Loggers":[{"Id":"l","Component":"Lambda","Type":"FileSystem","Level":"INFO","Space":5}]}""");
  }

  @Test
  void aCoreWithoutGroupHasNone() {
    assertThat(GroupFile.of(Json.object()).isEmpty()).isTrue();
  }

  @Test
  void theGroupOfAConfigurationIsKnownByItsName() {
    String arn = "arn:aws:greengrass:us-east-1:1:configuration:thinggroup/greengrassV1-4f2b:7";
    assertThat(V1Deployments.group(arn)).isEqualTo("4f2b");
    assertThat(V1Deployments.group(arn.replace("greengrassV1-", ""))).isEmpty();
  }
}
