package io.ryegrass.groups;

import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.groups.VersionedStore.Item;
import io.ryegrass.groups.VersionedStore.Version;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Groups and their versions (v1-group-deployment.md §3.2). */
final class GroupOperations {
  private final VersionedStore store;
  private final Shapes shapes;
  private final GroupAuthorities authorities;
  private final DeploymentStore deployments;

  GroupOperations(
      VersionedStore store,
      Shapes shapes,
      GroupAuthorities authorities,
      DeploymentStore deployments) {
    this.store = store;
    this.shapes = shapes;
    this.authorities = authorities;
    this.deployments = deployments;
  }

  void addTo(ServiceOperations.Builder builder) {
    builder
        .json("CreateGroup", (context, input) -> create(input))
        .json("ListGroups", (context, input) -> list(input))
        .json(
            "GetGroup",
            (context, input) -> shapes.infoWithTags(store.get(Kind.GROUP, id(input)), "tags"))
        .json("UpdateGroup", (context, input) -> update(input))
        .json("DeleteGroup", (context, input) -> delete(input))
        .json("CreateGroupVersion", (context, input) -> createVersion(input))
        .json("ListGroupVersions", (context, input) -> listVersions(input))
        .json("GetGroupVersion", (context, input) -> getVersion(input));
  }

  static String id(ObjectNode input) {
    return input.path("GroupId").asString("");
  }

  /**
   * A group is created with its certificate authority, so that devices can be told of it at once.
   */
  private ObjectNode create(ObjectNode input) {
    JsonNode initial = input.path("InitialVersion");
    ObjectNode version = initial instanceof ObjectNode given ? checked(given) : null;
    Item group = store.create(Kind.GROUP, input.path("Name").asString(""), version, Tags.of(input));
    authorities.current(group.id());
    return shapes.info(group);
  }

  private ObjectNode list(ObjectNode input) {
    Page page = Page.of(input);
    return page.write(
        "Groups", store.list(Kind.GROUP, page.after(), page.fetch()), shapes::info, Item::seq);
  }

  private ObjectNode update(ObjectNode input) {
    String name = input.path("Name").asString("");
    if (name.isEmpty()) {
      store.get(Kind.GROUP, id(input));
      throw V1Errors.emptyUpdate();
    }
    store.rename(Kind.GROUP, id(input), name);
    return Shapes.empty();
  }

  private ObjectNode delete(ObjectNode input) {
    store.get(Kind.GROUP, id(input));
    if (deployments.isDeployed(id(input))) {
      throw V1Errors.badRequest(
          "Group " + id(input) + " is deployed. Reset its deployments before you delete it.");
    }
    store.delete(Kind.GROUP, id(input));
    deployments.deleteGroup(id(input));
    authorities.delete(id(input));
    return Shapes.empty();
  }

  private ObjectNode createVersion(ObjectNode input) {
    store.get(Kind.GROUP, id(input));
    return shapes.version(store.createVersion(Kind.GROUP, id(input), checked(input)));
  }

  private ObjectNode listVersions(ObjectNode input) {
    Page page = Page.of(input);
    return page.write(
        "Versions",
        store.versions(Kind.GROUP, id(input), page.after(), page.fetch()),
        shapes::version,
        Version::seq);
  }

  private ObjectNode getVersion(ObjectNode input) {
    return shapes.versionWithContent(
        store.version(Kind.GROUP, id(input), input.path("GroupVersionId").asString("")));
  }

  /** Every reference must name an existing version of the right kind. */
  private ObjectNode checked(ObjectNode given) {
    ObjectNode content = Shapes.empty();
    for (Kind kind : Kind.values()) {
      String arn = given.path(kind.referenceMember()).asString("");
      if (!kind.isDefinition() || arn.isEmpty()) {
        continue;
      }
      if (store.find(kind, arn).isEmpty()) {
        String word =
            switch (kind) {
              case CORE -> "Cores";
              case DEVICE -> "Devices";
              case FUNCTION -> "Lambda";
              default -> kind.operation;
            };
        throw V1Errors.badRequest(
            "The group is invalid or corrupted. (ErrorDetails: ["
                + word
                + " definition reference does not exist])");
      }
      content.put(kind.referenceMember(), arn);
    }
    return content;
  }
}
