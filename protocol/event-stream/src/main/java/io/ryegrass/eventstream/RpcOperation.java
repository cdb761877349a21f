package io.ryegrass.eventstream;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * One operation of a service.
 *
 * @param name fully qualified, such as {@code aws.greengrass#PublishToTopic}
 * @param eventShape the union shape of the events of a streaming operation; null for a unary one
 * @param order whether requests of one connection must be handled one after the other
 */
public record RpcOperation(String name, @Nullable String eventShape, Order order, Handler handler) {

  /** How requests of one connection relate. */
  public enum Order {
    /**
     * Handled on the connection's reading thread, in the order received: for quick work whose order
     * counts.
     */
    IN_ORDER,
    /** Handled on a virtual thread each: for work that waits for something. */
    CONCURRENT
  }

  /** The work. */
  @FunctionalInterface
  public interface Handler {
    /**
     * Answers by {@link ServerStream#respond}, or throws {@link RpcError}. Anything else thrown
     * reaches the client as an internal error and the log with its cause.
     */
    void handle(ServerStream stream, ObjectNode request);
  }

  boolean streaming() {
    return eventShape != null;
  }

  String responseShape() {
    return name + "Response";
  }
}
