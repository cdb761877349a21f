package io.ryegrass.eventstream;

import static io.ryegrass.eventstream.EventStreamException.Code.MALFORMED;

import io.ryegrass.model.Json;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Reads JSON payloads. */
final class Payloads {
  private Payloads() {}

  /**
   * The payload as an object; nothing and {@code null} count as an empty one (v2-ipc.md §4).
   *
   * @throws EventStreamException MALFORMED when it is something else
   */
  static ObjectNode object(byte[] payload) {
    if (payload.length == 0) {
      return Json.object();
    }
    JsonNode node;
    try {
      node = Json.read(payload);
    } catch (JacksonException e) {
      throw new EventStreamException(
          MALFORMED, "payload is not JSON: " + e.getOriginalMessage(), e);
    }
    if (node.isNull() || node.isMissingNode()) {
      return Json.object();
    }
    if (node instanceof ObjectNode object) {
      return object;
    }
    throw new EventStreamException(MALFORMED, "payload is not a JSON object");
  }
}
