package io.ryegrass.mqtt;

import java.util.List;

/**
 * The host's part in what clients do. Calls for one client come one at a time and in order
 * (connect, its packets, disconnect; then the next connection's connect), on virtual threads; they
 * may block and may call the broker.
 */
public interface Interceptor {
  /**
   * Whether {@link #onPublish} wants to see messages of this topic. Asked for each message on an
   * event loop: must not block. False lets it go straight to the subscribers.
   */
  default boolean wants(String topic) {
    return true;
  }

  /**
   * Whether it takes part in nothing at all, so that subscriptions need not be told on a thread of
   * their own.
   */
  default boolean isPassive() {
    return false;
  }

  /**
   * A client published; authorisation has passed. When this returns {@code CONSUMED} the PUBACK
   * follows: what must not be lost has to be stored before. An exception closes the connection
   * without PUBACK, so that the client sends it again.
   */
  Disposition onPublish(
      ClientSession session, String topic, byte[] payload, int qos, boolean retain);

  /** A client has its CONNACK. */
  default void onConnect(ClientSession session) {}

  /**
   * A connection has ended; {@code reason} is a name of {@link DisconnectReason}, or the text given
   * to {@link MqttBroker#disconnect}.
   */
  default void onDisconnect(ClientSession session, String reason) {}

  /** These filters were granted. */
  default void onSubscribe(ClientSession session, List<String> filters) {}

  /** These filters were given up. */
  default void onUnsubscribe(ClientSession session, List<String> filters) {}

  /** What becomes of a published message. */
  enum Disposition {
    /** To the matching subscribers. */
    ROUTE,
    /** Handled by the host: acknowledged, neither fanned out nor retained. */
    CONSUMED,
    /** Refused: the connection is closed without PUBACK. */
    REFUSED_DISCONNECT
  }

  /** All messages are routed. */
  static Interceptor none() {
    return new Interceptor() {
      @Override
      public boolean isPassive() {
        return true;
      }

      @Override
      public boolean wants(String topic) {
        return false;
      }

      @Override
      public Disposition onPublish(
          ClientSession session, String topic, byte[] payload, int qos, boolean retain) {
        return Disposition.ROUTE;
      }
    };
  }
}
