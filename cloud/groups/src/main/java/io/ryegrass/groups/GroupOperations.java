package io.ryegrass.groups;

import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.groups.VersionedStore.Item;
import io.ryegrass.groups.VersionedStore.Version;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
   * A group is created with a version, be it an empty one. Its certificate authority is made when
   * somebody asks for it the first time (a list, a core, a device's discovery): two files and a key
   * are twenty times the rest of the call.
   */
  private ObjectNode create(ObjectNode input) {
    JsonNode initial = input.path("InitialVersion");
    ObjectNode version = initial instanceof ObjectNode given ? checked(given) : Shapes.empty();
    Item group = store.create(Kind.GROUP, input.path("Name").asString(""), version, Tags.of(input));
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
    if (!store.exists(Kind.GROUP, id(input))) {
      throw V1Errors.notFound(Kind.GROUP);
    }
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
    if (!store.exists(Kind.GROUP, id(input))) {
      throw V1Errors.noParent(Kind.GROUP);
    }
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

  /**
   * Every reference must name an existing version of the right kind, and functions may have the
   * resources that they name (TRB-GRP-06).
   */
  private ObjectNode checked(ObjectNode given) {
    ObjectNode content = Shapes.empty();
    List<String> details = new ArrayList<>();
    Map<Kind, ObjectNode> found = new EnumMap<>(Kind.class);
    for (Kind kind : IN_ORDER) {
      String arn = given.path(kind.referenceMember()).asString("");
      if (arn.isEmpty()) {
        continue;
      }
      Optional<Version> version = store.find(kind, arn);
      if (version.isPresent()) {
        content.put(kind.referenceMember(), arn);
        found.put(kind, version.get().content());
      } else {
        details.add(word(kind) + " definition reference does not exist");
      }
    }
    ObjectNode functions = found.get(Kind.FUNCTION);
    if (functions != null) {
      resources(functions, found.getOrDefault(Kind.RESOURCE, Shapes.empty()), details);
    }
    if (!details.isEmpty()) {
      throw V1Errors.refused(
          "The group is invalid or corrupted. (ErrorDetails: ["
              + String.join(", ", details)
              + "])");
    }
    return content;
  }

  /** The order in which the service complains. */
  private static final List<Kind> IN_ORDER =
      List.of(
          Kind.CORE,
          Kind.FUNCTION,
          Kind.RESOURCE,
          Kind.DEVICE,
          Kind.SUBSCRIPTION,
          Kind.CONNECTOR,
          Kind.LOGGER);

  private static String word(Kind kind) {
    return switch (kind) {
      case CORE -> "Cores";
      case DEVICE -> "Devices";
      case FUNCTION -> "Lambda";
      default -> kind.operation;
    };
  }

  private static void resources(ObjectNode functions, ObjectNode resources, List<String> details) {
    GroupResources all = new GroupResources(resources.path(Kind.RESOURCE.member));
    for (JsonNode function : functions.path(Kind.FUNCTION.member)) {
      try {
        all.of(
            function.path("FunctionArn").asString(""),
            FunctionRules.container(function, functions.path("DefaultConfig")),
            function.at("/FunctionConfiguration/Environment/ResourceAccessPolicies"));
      } catch (GroupCompilationException e) {
        details.add(String.valueOf(e.getMessage()));
      }
    }
  }
}
