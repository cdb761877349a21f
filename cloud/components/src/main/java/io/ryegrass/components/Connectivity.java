package io.ryegrass.components;

import io.ryegrass.registry.Registry;
import io.ryegrass.registry.shadow.ShadowService;
import io.ryegrass.store.CloudStore;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Where client devices reach a core. Each change counts up a version and tells the core by the
 * classic shadow of {@code <core>-gci} (v2-deployments.md §8), in the same transaction.
 */
final class Connectivity {
  private final CloudStore store;
  private final Registry registry;
  private final ShadowService shadows;

  Connectivity(CloudStore store, Registry registry, ShadowService shadows) {
    this.store = store;
    this.registry = registry;
    this.shadows = shadows;
  }

  ConnectivityInfo of(String thing) {
    return store
        .read(
            sql ->
                sql.one(
                    "SELECT version, entries FROM components_connectivity WHERE thing = ?",
                    row ->
                        new ConnectivityInfo(row.number("version"), entries(row.text("entries"))),
                    thing))
        .orElse(new ConnectivityInfo(0, List.of()));
  }

  private static List<ConnectivityInfo.Entry> entries(String text) {
    List<ConnectivityInfo.Entry> result = new ArrayList<>();
    for (JsonNode node : Json.read(text).path("entries")) {
      result.add(
          new ConnectivityInfo.Entry(
              Json.text(node, "id"),
              Json.text(node, "hostAddress"),
              node.path("portNumber").asInt(0),
              Json.text(node, "metadata")));
    }
    return result;
  }

  ConnectivityInfo update(String thing, List<ConnectivityInfo.Entry> entries) {
    if (!registry.thingExists(thing)) {
      throw Faults.validation("thingName", "thing " + thing + " does not exist");
    }
    ObjectNode text = Json.object();
    ArrayNode list = text.putArray("entries");
    for (ConnectivityInfo.Entry entry : entries) {
      if (entry.hostAddress().isEmpty() || entry.portNumber() < 0 || entry.portNumber() > 65535) {
        throw Faults.validation(
            "ConnectivityInfo", "each entry needs a HostAddress and a PortNumber from 0 to 65535");
      }
      list.addObject()
          .put("id", entry.id())
          .put("hostAddress", entry.hostAddress())
          .put("portNumber", entry.portNumber())
          .put("metadata", entry.metadata());
    }
    return store.write(
        sql -> {
          long version = of(thing).version() + 1;
          sql.update("DELETE FROM components_connectivity WHERE thing = ?", thing);
          sql.update(
              "INSERT INTO components_connectivity (thing, version, entries) VALUES (?, ?, ?)",
              thing,
              version,
              text.toString());
          ObjectNode shadow = Json.object();
          shadow.putObject("state").putObject("desired").put("version", Long.toString(version));
          shadows.update(thing + "-gci", null, shadow.toString().getBytes(StandardCharsets.UTF_8));
          return new ConnectivityInfo(version, List.copyOf(entries));
        });
  }

  // ---- operations, members as in the model

  ObjectNode get(ObjectNode input) {
    ObjectNode result = Json.object();
    ArrayNode list = result.putArray("connectivityInfo");
    for (ConnectivityInfo.Entry entry : of(Json.text(input, "thingName")).entries()) {
      list.addObject()
          .put("id", entry.id())
          .put("hostAddress", entry.hostAddress())
          .put("portNumber", entry.portNumber())
          .put("metadata", entry.metadata());
    }
    return result;
  }

  ObjectNode put(ObjectNode input) {
    List<ConnectivityInfo.Entry> entries = new ArrayList<>();
    for (JsonNode node : input.path("connectivityInfo")) {
      if (node instanceof ObjectNode entry) {
        entries.add(entry(entry));
      }
    }
    ConnectivityInfo stored = update(Json.text(input, "thingName"), entries);
    return Json.object()
        .put("version", Long.toString(stored.version()))
        .put("message", "Connectivity information updated");
  }

  static ConnectivityInfo.Entry entry(ObjectNode node) {
    String host = orEmpty(node, "hostAddress");
    String id = orEmpty(node, "id");
    JsonNode port = io.ryegrass.model.JsonFields.get(node, "portNumber");
    return new ConnectivityInfo.Entry(
        id.isEmpty() ? host : id,
        host,
        port == null ? 0 : port.asInt(0),
        orEmpty(node, "metadata"));
  }

  private static String orEmpty(ObjectNode node, String field) {
    String text = io.ryegrass.model.JsonFields.text(node, field);
    return text == null ? "" : text;
  }
}
