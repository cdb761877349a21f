package io.ryegrass.groups;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * The resources of a group, and which function may have which of them (LRA, MLI and SEC rows).
 * Error texts are those of the V1 guide (TRB-GRP-06, TRB-MLI-02 to 05).
 */
final class GroupResources {

  /** The kinds of resource, with the names that error texts use. */
  enum Type {
    DEVICE("Local.Device", "LocalDeviceResourceData"),
    VOLUME("Local.Volume", "LocalVolumeResourceData"),
    S3_MODEL("ML_Model.S3_Object", "S3MachineLearningModelResourceData"),
    SAGEMAKER_MODEL("ML_Model.SageMaker.Job", "SageMakerMachineLearningModelResourceData"),
    SECRET("Secret", "SecretsManagerSecretResourceData");

    final String text;
    final String member;

    Type(String text, String member) {
      this.text = text;
      this.member = member;
    }

    boolean model() {
      return this == S3_MODEL || this == SAGEMAKER_MODEL;
    }
  }

  record Resource(String id, String name, Type type, JsonNode data) {
    String destination() {
      return data.path("DestinationPath").asString("");
    }

    /** {@code ro}, {@code rw}, or empty when the resource has no owner. */
    String ownerPermission() {
      return data.path("OwnerSetting").path("GroupPermission").asString("");
    }

    String owner() {
      return data.path("OwnerSetting").path("GroupOwner").asString("");
    }
  }

  /**
   * A resource as one function has it.
   *
   * @param permission {@code ro} or {@code rw}
   */
  record Access(Resource resource, String permission) {
    boolean writable() {
      return permission.equals("rw");
    }
  }

  private final Map<String, Resource> all = new LinkedHashMap<>();

  GroupResources(Iterable<JsonNode> resources) {
    for (JsonNode resource : resources) {
      String id = resource.path("Id").asString("");
      JsonNode container = resource.path("ResourceDataContainer");
      for (Type type : Type.values()) {
        if (container.path(type.member).isObject()) {
          all.put(
              id,
              new Resource(
                  id, resource.path("Name").asString(id), type, container.path(type.member)));
        }
      }
    }
  }

  Iterable<Resource> all() {
    return all.values();
  }

  /**
   * What a function has of them.
   *
   * @param container whether it runs in a container
   * @throws GroupCompilationException when it must not have one
   */
  List<Access> of(String arn, boolean container, JsonNode policies) {
    List<Access> found = new ArrayList<>();
    for (JsonNode policy : policies) {
      String id = policy.path("ResourceId").asString("");
      Resource resource = all.get(id);
      if (resource == null) {
        throw new GroupCompilationException(
            "Function " + arn + " refers to resource " + id + ", which is not in the group.");
      }
      String permission = policy.path("Permission").asString("");
      found.add(
          new Access(
              resource,
              resource.type().model()
                  ? model(arn, container, resource, permission)
                  : local(arn, container, resource, permission)));
    }
    if (!container) {
      nested(arn, found);
    }
    return found;
  }

  private static String local(String arn, boolean container, Resource resource, String permission) {
    if (resource.type() == Type.SECRET) {
      if (permission.equals("rw")) {
        throw new GroupCompilationException(
            "Function "
                + arn
                + " refers to secret resource "
                + resource.id()
                + " with permission rw; only ro is allowed for secrets.");
      }
      return "ro";
    }
    if (!container) {
      throw notWithoutContainer(arn, resource);
    }
    return permission.isEmpty() ? "ro" : permission;
  }

  private static GroupCompilationException notWithoutContainer(String arn, Resource resource) {
    return new GroupCompilationException(
        "Function "
            + arn
            + " refers to resource of type "
            + resource.type().text
            + " that is not allowed in IsolationMode=NoContainer.");
  }

  /** MLI-09: the function's permission, or that of the resource's owner, and never a wider one. */
  private static String model(String arn, boolean container, Resource resource, String permission) {
    String owner = resource.ownerPermission();
    if (!container && !permission.isEmpty()) {
      throw new GroupCompilationException(
          "NoContainer function cannot configure permission when attaching Machine Learning"
              + " resources. "
              + arn
              + " refers to Machine Learning resource "
              + resource.id()
              + " with permission "
              + permission
              + " in resource access policy.");
    }
    if (!container && owner.isEmpty()) {
      throw notWithoutContainer(arn, resource);
    }
    if (permission.isEmpty() && owner.isEmpty()) {
      throw new GroupCompilationException(
          "Function "
              + arn
              + " refers to Machine Learning resource "
              + resource.id()
              + " with missing permission in both ResourceAccessPolicy and resource"
              + " OwnerSetting.");
    }
    if (permission.equals("rw") && owner.equals("ro")) {
      throw new GroupCompilationException(
          "Function "
              + arn
              + " refers to Machine Learning resource "
              + resource.id()
              + " with permission \"rw\", while resource owner setting GroupPermission only"
              + " allows \"ro\".");
    }
    return permission.isEmpty() ? owner : permission;
  }

  /** TRB-MLI-05: without a container, models lie in one folder of the function. */
  private static void nested(String arn, List<Access> found) {
    for (int i = 0; i < found.size(); i++) {
      for (int j = 0; j < found.size(); j++) {
        Resource one = found.get(i).resource();
        Resource other = found.get(j).resource();
        if (i != j
            && one.type().model()
            && other.type().model()
            && folder(other).startsWith(folder(one))) {
          throw new GroupCompilationException(
              "NoContainer Function " + arn + " refers to resources of nested destination path.");
        }
      }
    }
  }

  private static String folder(Resource model) {
    String path = model.destination();
    return path.endsWith("/") ? path : path + "/";
  }
}
