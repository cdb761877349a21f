package io.ryegrass.groups;

import io.ryegrass.groups.GroupResources.Access;
import io.ryegrass.groups.GroupResources.Resource;
import io.ryegrass.groups.GroupResources.Type;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Secret resources (SEC rows) as configuration of {@code aws.greengrass.SecretManager}: which
 * secrets the core fetches, and, in each function's own configuration, which of them it may read.
 */
final class GroupSecrets {
  private final CompilerOutput out;
  private final Map<String, Resource> byArn = new LinkedHashMap<>();
  private @Nullable String neededBy;

  /**
   * @throws GroupCompilationException when the group names a secret twice (SEC-10)
   */
  GroupSecrets(GroupResources resources, CompilerOutput out) {
    this.out = out;
    for (Resource resource : resources.all()) {
      if (resource.type() == Type.SECRET) {
        Resource other = byArn.put(resource.data().path("ARN").asString(""), resource);
        if (other != null) {
          throw new GroupCompilationException(
              "Resources "
                  + other.id()
                  + " and "
                  + resource.id()
                  + " refer to the same secret; a secret may be in a group only once.");
        }
        wanted("Resource " + resource.id() + " (a secret)");
      }
    }
  }

  /** The secret manager is to be there. */
  void wanted(String who) {
    if (neededBy == null) {
      neededBy = who;
    }
  }

  /** Lets a function read the secrets that are attached to it, and no others (SEC-01). */
  static void allow(String component, List<Access> accesses, ObjectNode configuration) {
    List<String> arns = new ArrayList<>();
    for (Access access : accesses) {
      if (access.resource().type() == Type.SECRET) {
        arns.add(access.resource().data().path("ARN").asString(""));
      }
    }
    if (arns.isEmpty()) {
      return;
    }
    ObjectNode policy =
        configuration
            .putObject("accessControl")
            .putObject(SystemFunctions.SECRET_MANAGER)
            .putObject(component + ":secrets:1");
    policy.put("policyDescription", "The secret resources of the group's function");
    policy.putArray("operations").add("aws.greengrass#GetSecretValue");
    arns.forEach(policy.putArray("resources")::add);
  }

  void compile() {
    String who = neededBy;
    if (who == null) {
      return;
    }
    ObjectNode configuration = Shapes.empty();
    ArrayNode secrets = configuration.putArray("cloudSecrets");
    byArn.forEach(
        (arn, resource) -> {
          ObjectNode secret = secrets.addObject().put("arn", arn);
          ArrayNode labels = secret.putArray("labels");
          labels.add("AWSCURRENT");
          resource
              .data()
              .path("AdditionalStagingLabelsToDownload")
              .forEach(
                  label -> {
                    if (!label.asString("").equals("AWSCURRENT")) {
                      labels.add(label.asString(""));
                    }
                  });
          out.became(
              "resource",
              resource.id(),
              SystemFunctions.SECRET_MANAGER + " cloudSecrets",
              "The core fetches the value itself, with its own role, and keeps it encrypted.");
        });
    out.need(SystemFunctions.SECRET_MANAGER, configuration, who);
  }
}
