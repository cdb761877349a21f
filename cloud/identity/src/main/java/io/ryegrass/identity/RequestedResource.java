package io.ryegrass.identity;

import io.ryegrass.awsapi.CallContext;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The ARN an API call is about, as far as one member of the request tells it; else {@code *}. Only
 * policies that name resources need it: those with {@code Resource "*"} match either way.
 */
final class RequestedResource {
  /** Per service: member of the request and the form of its ARN ({@code %s} is the value). */
  private static final Map<String, List<Map.Entry<String, String>>> FORMS =
      Map.of(
          "iot",
          List.of(
              Map.entry("thingName", "arn:aws:iot:R:A:thing/%s"),
              Map.entry("thingGroupName", "arn:aws:iot:R:A:thinggroup/%s"),
              Map.entry("thingTypeName", "arn:aws:iot:R:A:thingtype/%s"),
              Map.entry("policyName", "arn:aws:iot:R:A:policy/%s"),
              Map.entry("certificateId", "arn:aws:iot:R:A:cert/%s"),
              Map.entry("roleAlias", "arn:aws:iot:R:A:rolealias/%s"),
              Map.entry("jobId", "arn:aws:iot:R:A:job/%s"),
              Map.entry("topic", "arn:aws:iot:R:A:topic/%s")),
          "iam",
          List.of(
              Map.entry("PolicyArn", "%s"),
              Map.entry("RoleName", "arn:aws:iam::A:role/%s"),
              Map.entry("UserName", "arn:aws:iam::A:user/%s"),
              Map.entry("PolicyName", "arn:aws:iam::A:policy/%s")),
          "sts",
          List.of(Map.entry("RoleArn", "%s")),
          "lambda",
          List.of(Map.entry("FunctionName", "arn:aws:lambda:R:A:function:%s")),
          "secretsmanager",
          List.of(Map.entry("SecretId", "%s")),
          "greengrass",
          List.of(
              Map.entry("arn", "%s"),
              Map.entry("targetArn", "%s"),
              Map.entry("resourceArn", "%s"),
              Map.entry("coreDeviceThingName", "arn:aws:greengrass:R:A:coreDevices:%s"),
              Map.entry("deploymentId", "arn:aws:greengrass:R:A:deployments:%s"),
              Map.entry("GroupId", "arn:aws:greengrass:R:A:/greengrass/groups/%s"),
              Map.entry(
                  "BulkDeploymentId", "arn:aws:greengrass:R:A:/greengrass/bulk/deployments/%s")));

  private RequestedResource() {}

  static String of(CallContext call, String action, ObjectNode input) {
    int colon = action.indexOf(':');
    String service = colon < 0 ? action : action.substring(0, colon);
    for (Map.Entry<String, String> form : FORMS.getOrDefault(service, List.of())) {
      JsonNode value = input.path(form.getKey());
      if (value.isString() && !value.stringValue().isEmpty()) {
        if (value.stringValue().startsWith("arn:")) {
          return value.stringValue();
        }
        return form.getValue()
            .replace(":R:", ":" + call.region() + ":")
            .replace(":A:", ":" + call.accountId() + ":")
            .replace("%s", value.stringValue());
      }
    }
    return "*";
  }
}
