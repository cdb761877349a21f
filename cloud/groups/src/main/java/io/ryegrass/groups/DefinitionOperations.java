package io.ryegrass.groups;

import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.groups.VersionedStore.Item;
import io.ryegrass.groups.VersionedStore.Version;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The eight operations of each of the seven kinds of definitions (v1-group-deployment.md §3.1). */
final class DefinitionOperations {
  private final VersionedStore store;
  private final Shapes shapes;

  DefinitionOperations(VersionedStore store, Shapes shapes) {
    this.store = store;
    this.shapes = shapes;
  }

  void addTo(ServiceOperations.Builder builder) {
    for (Kind kind : Kind.values()) {
      if (kind.isDefinition()) {
        add(builder, kind, kind.operation + "Definition");
      }
    }
  }

  private void add(ServiceOperations.Builder builder, Kind kind, String name) {
    builder
        .json("Create" + name, (context, input) -> create(kind, input))
        .json("List" + name + "s", (context, input) -> list(kind, input))
        .json(
            "Get" + name,
            (context, input) -> shapes.infoWithTags(store.get(kind, id(kind, input)), "tags"))
        .json("Update" + name, (context, input) -> update(kind, input))
        .json("Delete" + name, (context, input) -> delete(kind, input))
        .json("Create" + name + "Version", (context, input) -> createVersion(kind, input))
        .json("List" + name + "Versions", (context, input) -> listVersions(kind, input))
        .json("Get" + name + "Version", (context, input) -> getVersion(kind, input));
  }

  static String id(Kind kind, ObjectNode input) {
    return input.path(kind.idMember()).asString("");
  }

  private ObjectNode create(Kind kind, ObjectNode input) {
    JsonNode initial = input.path("InitialVersion");
    ObjectNode version =
        initial instanceof ObjectNode given ? DefinitionRules.check(kind, given) : null;
    JsonNode name = input.path("Name");
    return shapes.info(
        store.create(kind, name.isString() ? name.stringValue() : null, version, Tags.of(input)));
  }

  private ObjectNode list(Kind kind, ObjectNode input) {
    Page page = Page.of(input);
    List<Item> items = store.list(kind, page.after(), page.fetch());
    return page.write("Definitions", items, item -> shapes.infoWithTags(item, "Tags"), Item::seq);
  }

  private ObjectNode update(Kind kind, ObjectNode input) {
    String name = input.path("Name").asString("");
    if (name.isEmpty()) {
      store.get(kind, id(kind, input));
      throw kind == Kind.RESOURCE
          ? V1Errors.invalidInput("Invalid resource name.")
          : V1Errors.emptyUpdate();
    }
    store.rename(kind, id(kind, input), name);
    return Shapes.empty();
  }

  private ObjectNode delete(Kind kind, ObjectNode input) {
    store.delete(kind, id(kind, input));
    return Shapes.empty();
  }

  private ObjectNode createVersion(Kind kind, ObjectNode input) {
    if (!store.exists(kind, id(kind, input))) {
      throw V1Errors.noParent(kind);
    }
    ObjectNode content = DefinitionRules.check(kind, input);
    return shapes.version(store.createVersion(kind, id(kind, input), content));
  }

  private ObjectNode listVersions(Kind kind, ObjectNode input) {
    Page page = Page.of(input);
    return page.write(
        "Versions",
        store.versions(kind, id(kind, input), page.after(), page.fetch()),
        shapes::version,
        Version::seq);
  }

  private ObjectNode getVersion(Kind kind, ObjectNode input) {
    return shapes.versionWithContent(
        store.version(kind, id(kind, input), input.path(kind.versionMember()).asString("")));
  }
}
