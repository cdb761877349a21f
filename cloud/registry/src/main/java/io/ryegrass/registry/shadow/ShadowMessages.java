package io.ryegrass.registry.shadow;

import io.ryegrass.registry.DeviceMessages;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What the shadow service sends, by the shapes of mqtt-cloud, section 3.1.
 *
 * @param out the way to the devices
 */
record ShadowMessages(DeviceMessages out) {
  private static final JsonMapper JSON = JsonMapper.shared();

  /**
   * An update as it was accepted.
   *
   * @param body of {@code update/accepted}
   */
  record Accepted(
      String thing,
      @Nullable String shadowName,
      JsonNode request,
      ShadowDocument before,
      ShadowDocument after,
      ObjectNode body,
      long seconds) {}

  /** The requested state with the time of each of its leaves, nulls included. */
  static ObjectNode acceptedBody(JsonNode request, ShadowDocument after, long seconds) {
    ObjectNode accepted = JSON.createObjectNode();
    JsonNode requested = request.path("state").deepCopy();
    if (requested instanceof ObjectNode sections) {
      sections.remove(ShadowDocument.DELTA);
    }
    accepted.set("state", requested);
    accepted.set("metadata", ShadowDocument.timestamps(requested, seconds));
    accepted.put("version", after.version()).put("timestamp", seconds);
    copyToken(request, accepted);
    return accepted;
  }

  /** The delta, if there is one, and the documents. */
  void sendChange(Accepted update) {
    String prefix = ShadowTopics.prefix(update.thing(), update.shadowName()) + "/update";
    ShadowDocument.Delta delta = update.after().delta();
    if (!delta.isEmpty()) {
      ObjectNode message = JSON.createObjectNode();
      message.put("version", update.after().version()).put("timestamp", update.seconds());
      message.set("state", delta.state());
      message.set("metadata", delta.metadata());
      copyToken(update.request(), message);
      send(prefix + "/delta", message);
    }
    ObjectNode documents = JSON.createObjectNode();
    if (!update.before().isEmpty()) {
      documents.set("previous", part(update.before()));
    }
    documents.set("current", part(update.after()));
    documents.put("timestamp", update.seconds());
    copyToken(update.request(), documents);
    send(prefix + "/documents", documents);
  }

  void sendAccepted(Accepted update) {
    send(
        ShadowTopics.prefix(update.thing(), update.shadowName()) + "/update/accepted",
        update.body());
  }

  /**
   * @param operation its topic without {@code /rejected}
   */
  void sendRejected(String operation, ShadowException refusal, JsonNode request, long seconds) {
    ObjectNode rejected = JSON.createObjectNode();
    rejected.put("code", refusal.code()).put("message", refusal.getMessage());
    if (refusal.code() != 404) { // where AWS leaves it out
      rejected.put("timestamp", seconds);
    }
    copyToken(request, rejected);
    send(operation + "/rejected", rejected);
  }

  void send(String topic, JsonNode message) {
    out.publish(topic, JSON.writeValueAsBytes(message), 1);
  }

  private static ObjectNode part(ShadowDocument document) {
    ObjectNode part = JSON.createObjectNode();
    part.set("state", document.state());
    part.set("metadata", document.metadata());
    return part.put("version", document.version());
  }

  /** The whole document with its delta. */
  static ObjectNode whole(ShadowDocument document, long seconds) {
    ObjectNode whole = part(document).deepCopy();
    ShadowDocument.Delta delta = document.delta();
    if (!delta.isEmpty()) {
      ((ObjectNode) whole.path("state")).set(ShadowDocument.DELTA, delta.state());
    }
    return whole.put("timestamp", seconds);
  }

  static void copyToken(JsonNode request, ObjectNode answer) {
    JsonNode token = request.get("clientToken");
    if (token != null && token.isString()) {
      answer.set("clientToken", token);
    }
  }
}
