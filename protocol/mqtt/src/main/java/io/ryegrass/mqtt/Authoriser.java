package io.ryegrass.mqtt;

/**
 * Decides what a connected client may do. All methods may block (virtual threads); an exception
 * counts as a refusal. {@link #mayReceive} is asked for each message and receiver on the sender's
 * thread, so it should be quick.
 */
public interface Authoriser {
  /**
   * False closes the connection, as AWS IoT Core does for MQTT 3.1.1. Wills are asked for too, at
   * CONNECT and when sent.
   */
  boolean mayPublish(ClientSession session, String topic, boolean retain);

  /** False answers this filter with SUBACK 0x80. */
  boolean maySubscribe(ClientSession session, String filter);

  /**
   * False leaves this client out. Asked again for what was stored when a persistent session comes
   * back.
   */
  boolean mayReceive(ClientSession session, String topic);

  /** Everything is allowed. */
  static Authoriser permitAll() {
    return new Authoriser() {
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
