package io.ryegrass.mqtt;

/**
 * Decides what a connected client may do. All methods may block (they are called on virtual
 * threads), unless {@link #isImmediate} says otherwise; an exception counts as a refusal.
 *
 * <p>Answers about publishing and receiving are kept by client and topic for {@link
 * Limits#decisionLifetime} at most; {@link MqttBroker#forgetDecisions} makes the broker ask again
 * at once. A new connection is always asked about anew.
 */
public interface Authoriser {
  /**
   * False closes the connection of a client of version 3, as AWS IoT Core does, and answers a
   * client of MQTT 5 with "not authorized". Wills are asked for too, at CONNECT and when sent.
   */
  boolean mayPublish(ClientSession session, String topic, boolean retain);

  /** False answers this filter with SUBACK 0x80 (MQTT 5: 0x87); an exception with 0x80. */
  boolean maySubscribe(ClientSession session, String filter);

  /**
   * False leaves this client out. Asked again for what was stored when a persistent session comes
   * back.
   */
  boolean mayReceive(ClientSession session, String topic);

  /**
   * True promises that no method ever blocks: then they are called on event loops, too, and a
   * message whose decision is not known yet takes no detour.
   */
  default boolean isImmediate() {
    return false;
  }

  /** Everything is allowed. */
  static Authoriser permitAll() {
    return new Authoriser() {
      @Override
      public boolean isImmediate() {
        return true;
      }

      @Override
      public boolean mayPublish(ClientSession session, String topic, boolean retain) {
        return true;
      }

      @Override
      public boolean maySubscribe(ClientSession session, String filter) {
        return true;
      }

      @Override
      public boolean mayReceive(ClientSession session, String topic) {
        return true;
      }
    };
  }
}
