package io.ryegrass.registry.shadow;

import io.ryegrass.model.Json;
import io.ryegrass.model.shadow.ShadowAnswers;
import io.ryegrass.model.shadow.ShadowDocument;
import io.ryegrass.model.shadow.ShadowException;
import io.ryegrass.model.shadow.ShadowTopics;
import io.ryegrass.registry.DeviceMessages;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What the shadow service sends.
 *
 * @param out the way to the devices
 */
record ShadowMessages(DeviceMessages out) {
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

  /** The delta, if there is one, and the documents. */
  void sendChange(Accepted update) {
    String prefix = ShadowTopics.prefix(update.thing(), update.shadowName()) + "/update";
    ShadowDocument.Delta delta = update.after().delta();
    if (!delta.isEmpty()) {
      send(
          prefix + "/delta",
          ShadowAnswers.delta(update.request(), delta, update.after().version(), update.seconds()));
    }
    send(
        prefix + "/documents",
        ShadowAnswers.documents(
            update.request(), update.before(), update.after(), update.seconds()));
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
    send(operation + "/rejected", ShadowAnswers.rejected(refusal, request, seconds));
  }

  void send(String topic, JsonNode message) {
    out.publish(topic, Json.bytes(message), 1);
  }
}
