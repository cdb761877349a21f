package io.ryegrass.eventstream;

import static io.ryegrass.eventstream.EventStreamException.Code.PROTOCOL;

import io.ryegrass.model.Json;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A message of the RPC layer: the three framing headers taken out, the others left as they came
 * (v2-ipc.md §3).
 */
record RpcMessage(Type type, int flags, int streamId, List<Header> headers, byte[] payload) {
  static final int CONNECTION_ACCEPTED = 1;
  static final int TERMINATE = 2;
  static final String VERSION = "0.1.0";
  static final String JSON = "application/json";
  private static final byte[] EMPTY = {};
  private static final byte[] NOTHING = "{}".getBytes(StandardCharsets.UTF_8);

  /** The order of the constants is the number on the wire. */
  enum Type {
    APPLICATION_MESSAGE,
    APPLICATION_ERROR,
    PING,
    PING_RESPONSE,
    CONNECT,
    CONNECT_ACK,
    PROTOCOL_ERROR,
    INTERNAL_ERROR;

    boolean belongsToStream() {
      return this == APPLICATION_MESSAGE || this == APPLICATION_ERROR;
    }
  }

  private static final List<Type> TYPES = List.of(Type.values());

  boolean has(int flag) {
    return (flags & flag) != 0;
  }

  @Nullable String text(String name) {
    for (Header header : headers) {
      if (header.name().equalsIgnoreCase(name)) {
        return header.value() instanceof HeaderValue.Text(String text) ? text : null;
      }
    }
    return null;
  }

  /**
   * @throws EventStreamException PROTOCOL when a framing header is missing, of the wrong type, or
   *     contradicts another
   */
  static RpcMessage of(EventStreamMessage message) {
    Integer type = null;
    Integer flags = null;
    Integer stream = null;
    List<Header> others = new ArrayList<>();
    for (Header header : message.headers()) {
      boolean number = header.value() instanceof HeaderValue.Int32;
      int value = header.value() instanceof HeaderValue.Int32(int v) ? v : 0;
      if (number && header.name().equalsIgnoreCase(":message-type")) {
        type = value;
      } else if (number && header.name().equalsIgnoreCase(":message-flags")) {
        flags = value;
      } else if (number && header.name().equalsIgnoreCase(":stream-id")) {
        stream = value;
      } else {
        others.add(header);
      }
    }
    if (type == null || flags == null || stream == null) {
      throw new EventStreamException(
          PROTOCOL, "message lacks :message-type, :message-flags or :stream-id");
    }
    if (type < 0 || type >= TYPES.size()) {
      throw new EventStreamException(PROTOCOL, "unknown message type " + type);
    }
    Type kind = TYPES.get(type);
    if (stream < 0 || (stream > 0) != kind.belongsToStream()) {
      throw new EventStreamException(
          PROTOCOL, "message type " + type + " does not go with stream id " + stream);
    }
    return new RpcMessage(kind, flags, stream, others, message.payload());
  }

  byte[] encode() {
    List<Header> all = new ArrayList<>(headers.size() + 3);
    all.addAll(headers);
    all.add(Header.int32(":message-type", type.ordinal()));
    all.add(Header.int32(":message-flags", flags));
    all.add(Header.int32(":stream-id", streamId));
    return MessageCodec.encode(new EventStreamMessage(all, payload));
  }

  static RpcMessage connect(String authToken) {
    return new RpcMessage(
        Type.CONNECT,
        0,
        0,
        List.of(Header.text(":version", VERSION)),
        bytes(Json.object().put("authToken", authToken)));
  }

  static RpcMessage connectAck(boolean accepted) {
    return new RpcMessage(
        Type.CONNECT_ACK, accepted ? CONNECTION_ACCEPTED : 0, 0, List.of(), EMPTY);
  }

  static RpcMessage protocolError(Type type, String message) {
    return new RpcMessage(
        type,
        0,
        0,
        List.of(Header.text(":content-type", JSON)),
        bytes(Json.object().put("message", message)));
  }

  /** A data message of a stream: request (with operation), response or event. */
  static RpcMessage data(
      int streamId, boolean last, @Nullable String operation, String shape, JsonNode body) {
    return new RpcMessage(
        Type.APPLICATION_MESSAGE,
        last ? TERMINATE : 0,
        streamId,
        dataHeaders(operation, shape),
        bytes(body));
  }

  static List<Header> dataHeaders(@Nullable String operation, String shape) {
    List<Header> headers = new ArrayList<>(3);
    if (operation != null) {
      headers.add(Header.text("operation", operation));
    }
    headers.add(Header.text(":content-type", JSON));
    headers.add(Header.text("service-model-type", shape));
    return headers;
  }

  /** A data message as bytes. */
  static byte[] frame(int flags, int streamId, List<Header> headers, byte[] payload) {
    return new RpcMessage(Type.APPLICATION_MESSAGE, flags, streamId, headers, payload).encode();
  }

  static RpcMessage error(int streamId, RpcError error) {
    List<Header> headers = new ArrayList<>(2);
    headers.add(Header.text(":content-type", error.contentType()));
    String shape = error.shape();
    if (shape != null) {
      headers.add(Header.text("service-model-type", shape));
    }
    return new RpcMessage(Type.APPLICATION_ERROR, TERMINATE, streamId, headers, error.payload());
  }

  static RpcMessage close(int streamId) {
    return new RpcMessage(Type.APPLICATION_MESSAGE, TERMINATE, streamId, List.of(), EMPTY);
  }

  /** A ping's answer: its payload and those of its headers that are not of the protocol. */
  static RpcMessage pong(RpcMessage ping) {
    List<Header> echoed =
        ping.headers().stream().filter(header -> !header.name().startsWith(":")).toList();
    return new RpcMessage(Type.PING_RESPONSE, 0, 0, echoed, ping.payload());
  }

  static byte[] bytes(JsonNode node) {
    return node.isEmpty() && node.isObject() ? NOTHING : Json.bytes(node);
  }
}
