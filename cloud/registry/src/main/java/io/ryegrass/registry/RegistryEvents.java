package io.ryegrass.registry;

import io.ryegrass.registry.event.EventSwitchboard;
import io.ryegrass.registry.event.EventType;
import io.ryegrass.store.Sql;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * What the registry tells on {@code $aws/events/…} (developer guide, "Registry events"). Called
 * inside the transaction of the change; sent after its commit.
 */
final class RegistryEvents {
  private final EventSwitchboard switchboard;
  private final Registry registry;

  RegistryEvents(EventSwitchboard switchboard, Registry registry) {
    this.switchboard = switchboard;
    this.registry = registry;
  }

  private void send(String topic, ObjectNode event) {
    switchboard.send("$aws/events/" + topic, event);
  }

  /**
   * A thing was made, changed or deleted.
   *
   * @param operation CREATED, UPDATED or DELETED
   */
  void thing(ThingRecords.Thing thing, String operation) {
    if (!switchboard.isEnabled(EventType.THING)) {
      return;
    }
    ObjectNode event =
        switchboard
            .registryEvent("THING_EVENT", operation)
            .put("thingId", thing.id())
            .put("thingName", thing.name())
            .put("versionNumber", thing.version())
            .put("thingTypeName", thing.type());
    event.set("attributes", thing.attributes());
    send("thing/" + thing.name() + "/" + lower(operation), event);
  }

  /** A thing got a type or lost it. */
  void typeAssociation(ThingRecords.Thing thing, String type, boolean added) {
    if (!switchboard.isEnabled(EventType.THING_TYPE_ASSOCIATION)) {
      return;
    }
    ObjectNode event =
        switchboard
            .registryEvent("THING_TYPE_ASSOCIATION_EVENT", added ? "ADDED" : "REMOVED")
            .put("thingId", thing.id())
            .put("thingName", thing.name())
            .put("thingTypeName", type);
    send(
        "thingTypeAssociation/thing/"
            + thing.name()
            + "/thingType/"
            + type
            + (added ? "/added" : "/removed"),
        event);
  }

  void type(ThingTypes.Type type, String operation) {
    if (!switchboard.isEnabled(EventType.THING_TYPE)) {
      return;
    }
    ObjectNode event =
        switchboard
            .registryEvent("THING_TYPE_EVENT", operation)
            .put("thingTypeId", type.id())
            .put("thingTypeName", type.name())
            .put("isDeprecated", type.deprecated())
            .put("deprecationDate", type.deprecatedAt());
    event.set("searchableAttributes", type.searchable());
    event.put("description", type.description());
    send("thingType/" + type.name() + "/" + lower(operation), event);
  }

  /**
   * A group was made, changed or deleted.
   *
   * @param parents nearest first
   */
  void group(ThingGroups.Group group, List<ThingGroups.Group> parents, String operation) {
    if (!switchboard.isEnabled(EventType.THING_GROUP)) {
      return;
    }
    ObjectNode event =
        switchboard
            .registryEvent("THING_GROUP_EVENT", operation)
            .put("thingGroupId", group.id())
            .put("thingGroupName", group.name())
            .put("versionNumber", group.version())
            .put("parentGroupName", group.parent())
            .put("parentGroupId", parents.isEmpty() ? null : parents.getFirst().id())
            .put("description", group.description());
    if (parents.isEmpty()) {
      event.putNull("rootToParentThingGroups");
    } else {
      var list = event.putArray("rootToParentThingGroups");
      parents
          .reversed()
          .forEach(
              p ->
                  list.addObject()
                      .put("groupArn", registry.thingGroupArn(p.name()))
                      .put("groupId", p.id()));
    }
    event.set("attributes", group.attributes());
    event.putNull("dynamicGroupMappingId");
    send("thingGroup/" + group.name() + "/" + lower(operation), event);
  }

  /** A group became the child of another, or was deleted under it. */
  void hierarchy(ThingGroups.Group parent, ThingGroups.Group child, boolean added) {
    if (!switchboard.isEnabled(EventType.THING_GROUP_HIERARCHY)) {
      return;
    }
    ObjectNode event =
        switchboard
            .registryEvent("THING_GROUP_HIERARCHY_EVENT", added ? "ADDED" : "REMOVED")
            .put("thingGroupId", parent.id())
            .put("thingGroupName", parent.name())
            .put("childGroupId", child.id())
            .put("childGroupName", child.name());
    send(
        "thingGroupHierarchy/thingGroup/"
            + parent.name()
            + "/childThingGroup/"
            + child.name()
            + (added ? "/added" : "/removed"),
        event);
  }

  /** A thing joined a group or left it. */
  void membership(Sql sql, String thing, String group, boolean added) {
    if (!switchboard.isEnabled(EventType.THING_GROUP_MEMBERSHIP)) {
      return;
    }
    @Nullable String thingId = id(sql, "SELECT id FROM things WHERE name = ?", thing);
    @Nullable String groupId = id(sql, "SELECT id FROM thing_groups WHERE name = ?", group);
    ObjectNode event =
        switchboard
            .registryEvent("THING_GROUP_MEMBERSHIP_EVENT", added ? "ADDED" : "REMOVED")
            .put("groupArn", registry.thingGroupArn(group))
            .put("groupId", groupId)
            .put("thingArn", registry.thingArn(thing))
            .put("thingId", thingId)
            .put(
                "membershipId",
                // one and the same for as long as both are what they are
                UUID.nameUUIDFromBytes((thingId + " " + groupId).getBytes(StandardCharsets.UTF_8))
                    .toString());
    send(
        "thingGroupMembership/thingGroup/"
            + group
            + "/thing/"
            + thing
            + (added ? "/added" : "/removed"),
        event);
  }

  private static @Nullable String id(Sql sql, String statement, String name) {
    Optional<String> id = sql.one(statement, row -> row.text("id"), name);
    return id.orElse(null);
  }

  private static String lower(String operation) {
    return operation.toLowerCase(Locale.ROOT);
  }
}
