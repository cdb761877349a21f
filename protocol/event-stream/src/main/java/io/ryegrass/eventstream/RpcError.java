package io.ryegrass.eventstream;

import io.ryegrass.model.Json;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * An operation's error as it travels: modelled (with a shape that clients turn into a typed
 * exception) or not. A handler throws it; the server ends the stream with it.
 */
public final class RpcError extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final @Nullable String shape;
  private final String contentType;
  private final transient byte[] payload;
  private final transient @Nullable ObjectNode body;

  private RpcError(
      String message,
      @Nullable String shape,
      String contentType,
      byte[] payload,
      @Nullable ObjectNode body) {
    super(message, null, false, false);
    this.shape = shape;
    this.contentType = contentType;
    this.payload = payload;
    this.body = body;
  }

  /**
   * @param shape fully qualified, such as {@code aws.greengrass#ServiceError}
   * @param body the members of the shape; its {@code message} becomes the exception's message
   */
  public static RpcError modelled(String shape, ObjectNode body) {
    byte[] payload = Json.text(body).getBytes(StandardCharsets.UTF_8);
    return new RpcError(
        body.path("message").asString(shape), shape, RpcMessage.JSON, payload, body);
  }

  /** What a client sees when a handler failed in a way nobody foresaw; details stay in the log. */
  static RpcError internal() {
    return new RpcError(
        "InternalServerError",
        null,
        "text/plain",
        "InternalServerError".getBytes(StandardCharsets.UTF_8),
        null);
  }

  static RpcError unknownOperation(String operation) {
    ObjectNode body =
        Json.object()
            .put("error", "Unknown operation")
            .put("message", "No operation is named " + operation);
    byte[] payload = Json.text(body).getBytes(StandardCharsets.UTF_8);
    return new RpcError(body.path("message").asString(""), null, RpcMessage.JSON, payload, body);
  }

  /** An error that a client received. */
  static RpcError received(RpcMessage message) {
    String contentType = message.text(":content-type");
    String text = new String(message.payload(), StandardCharsets.UTF_8);
    ObjectNode body = null;
    if (RpcMessage.JSON.equals(contentType)) {
      body = Payloads.object(message.payload());
      text = body.path("message").asString(text);
    }
    return new RpcError(
        text,
        message.text("service-model-type"),
        contentType == null ? "text/plain" : contentType,
        message.payload(),
        body);
  }

  /** The error's shape, or null for an error outside the model. */
  public @Nullable String shape() {
    return shape;
  }

  /** The members of the error, or null when the payload is not JSON. */
  public @Nullable ObjectNode body() {
    return body;
  }

  String contentType() {
    return contentType;
  }

  byte[] payload() {
    return payload;
  }
}
