package io.ryegrass.clientdevices;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The client devices of the group, as the configuration of the Auth component lists them. Replaced
 * whole, never changed.
 */
final class DeviceRegistry {
  /**
   * @param certificateId lower hex SHA-256 of the device's certificate; empty: the group names
   *     none, nobody is admitted
   */
  record Device(String thingName, String thingArn, String certificateId) {}

  private record Group(String groupId, Map<String, Device> devices) {}

  private volatile Group group = new Group("", Map.of());
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();

  void update(ObjectNode configuration) {
    Map<String, Device> devices = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : configuration.path("devices").properties()) {
      JsonNode value = entry.getValue();
      devices.put(
          entry.getKey(),
          new Device(
              entry.getKey(),
              value.path("thingArn").asString(""),
              value.path("certificateId").asString("").toLowerCase(Locale.ROOT)));
    }
    group =
        new Group(configuration.path("groupId").asString(""), Collections.unmodifiableMap(devices));
    listeners.forEach(Runnable::run);
  }

  void clear() {
    group = new Group("", Map.of());
    listeners.forEach(Runnable::run);
  }

  Optional<Device> find(String thingName) {
    return Optional.ofNullable(group.devices().get(thingName));
  }

  Map<String, Device> devices() {
    return group.devices();
  }

  /**
   * The V1 group, or the id that a V2 core has for itself (v2-deployments reference, section 8).
   */
  String groupIdOr(String coreThingName) {
    String id = group.groupId();
    return id.isEmpty() ? "greengrassV2-coreDevice-" + coreThingName : id;
  }

  /** Called after each change, on the thread that changes; must be quick. */
  void onChange(Runnable listener) {
    listeners.add(listener);
  }

  void removeListener(Runnable listener) {
    listeners.remove(listener);
  }
}
