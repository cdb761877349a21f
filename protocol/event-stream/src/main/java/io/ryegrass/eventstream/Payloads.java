package io.ryegrass.eventstream;

import static io.ryegrass.eventstream.EventStreamException.Code.MALFORMED;

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
      return RpcMessage.MAPPER.createObjectNode();
    }
    JsonNode node;
    try {
      node = RpcMessage.MAPPER.readTree(payload);
    } catch (JacksonException e) {
      throw new EventStreamException(
          MALFORMED, "payload is not JSON: " + e.getOriginalMessage(), e);
    }
    if (node.isNull() || node.isMissingNode()) {
      return RpcMessage.MAPPER.createObjectNode();
    }
    if (node instanceof ObjectNode object) {
      return object;
    }
    throw new EventStreamException(MALFORMED, "payload is not a JSON object");
  }
}
