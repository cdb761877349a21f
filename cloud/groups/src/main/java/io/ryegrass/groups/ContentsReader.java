package io.ryegrass.groups;

import io.ryegrass.groups.VersionedStore.Version;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Collects a group version and all it refers to. */
final class ContentsReader {
  private final VersionedStore store;

  ContentsReader(VersionedStore store) {
    this.store = store;
  }

  /**
   * @throws GroupCompilationException when a definition that the version refers to has been deleted
   */
  GroupContents read(String groupId, String versionId) {
    Version version = store.version(Kind.GROUP, groupId, versionId);
    String name = store.get(Kind.GROUP, groupId).name();
    ObjectNode functions = content(version, Kind.FUNCTION);
    return new GroupContents(
        groupId,
        name == null ? "" : name,
        entities(content(version, Kind.CORE), Kind.CORE),
        entities(content(version, Kind.DEVICE), Kind.DEVICE),
        functions.path("DefaultConfig") instanceof ObjectNode defaults ? defaults : Shapes.empty(),
        entities(functions, Kind.FUNCTION),
        entities(content(version, Kind.SUBSCRIPTION), Kind.SUBSCRIPTION),
        entities(content(version, Kind.RESOURCE), Kind.RESOURCE),
        entities(content(version, Kind.CONNECTOR), Kind.CONNECTOR),
        entities(content(version, Kind.LOGGER), Kind.LOGGER));
  }

  private ObjectNode content(Version group, Kind kind) {
    String arn = group.content().path(kind.referenceMember()).asString("");
    if (arn.isEmpty()) {
      return Shapes.empty();
    }
    return store
        .find(kind, arn)
        .map(Version::content)
        .orElseThrow(
            () ->
                new GroupCompilationException(
                    "The group refers to "
                        + arn
                        + ", which does not exist any more. Create a group version without it."));
  }

  private static List<JsonNode> entities(ObjectNode content, Kind kind) {
    List<JsonNode> entities = new ArrayList<>();
    content.path(kind.member).forEach(entities::add);
    return entities;
  }
}
