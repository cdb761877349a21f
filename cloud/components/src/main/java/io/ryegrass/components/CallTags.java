package io.ryegrass.components;

import io.ryegrass.identity.CallResource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/**
 * What IAM policies may ask about the component version, deployment or core device that a call of
 * V2 is about: its tags (TAG-04). What a call brings itself, the authoriser sees.
 */
final class CallTags {
  private static final String PREFIX = "greengrass:";

  private final Tags tags;
  private final Arns arns;

  CallTags(Tags tags, Arns arns) {
    this.tags = tags;
    this.arns = arns;
  }

  Optional<CallResource> find(String action, ObjectNode input) {
    if (!action.startsWith(PREFIX) || input.has("GroupId")) {
      return Optional.empty();
    }
    String resource = resource(input);
    if (resource.isEmpty() || resource.contains(":/greengrass/")) {
      return Optional.empty(); // none of V2
    }
    Map<String, String> keys = new HashMap<>();
    tags.of(resource)
        .forEach(
            (tag, value) -> {
              keys.put("aws:ResourceTag/" + tag, value);
              keys.put("greengrass:ResourceTag/" + tag, value);
              keys.put("greengrassv2:ResourceTag/" + tag, value);
            });
    return keys.isEmpty()
        ? Optional.empty()
        : Optional.of(new CallResource(List.of(resource), null, keys));
  }

  private String resource(ObjectNode input) {
    for (String member : List.of("arn", "resourceArn")) {
      String arn = Json.text(input, member);
      if (arn.startsWith("arn:")) {
        return arn;
      }
    }
    String core = Json.text(input, "coreDeviceThingName");
    if (!core.isEmpty()) {
      return arns.own("coreDevices:" + core);
    }
    String deployment = Json.text(input, "deploymentId");
    return deployment.isEmpty() ? "" : arns.own("deployments:" + deployment);
  }
}
