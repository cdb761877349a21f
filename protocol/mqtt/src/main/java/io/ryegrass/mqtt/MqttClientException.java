package io.ryegrass.mqtt;

import org.jspecify.annotations.Nullable;

/**
 * Why {@link MqttClient} could not do what it was asked: a kind for code, a sentence for people.
 */
public final class MqttClientException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What went wrong. */
  public enum Kind {
    /** No network connection, or none with TLS. */
    UNREACHABLE,
    /** The server answered CONNECT with a refusal. */
    CONNECT_REFUSED,
    /** No answer in time. */
    TIMEOUT,
    /** The connection ended, or had ended before. */
    DISCONNECTED,
    /** The server refused this one message. */
    PUBLISH_REFUSED,
    /** Not sent: it breaks the standard or what the server said about itself. */
    NOT_SENDABLE,
    /** Too many messages wait for their acknowledgement. */
    BUSY
  }

  private final Kind kind;
  private final int reasonCode;

  MqttClientException(Kind kind, int reasonCode, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.kind = kind;
    this.reasonCode = reasonCode;
  }

  public Kind kind() {
    return kind;
  }

  /**
   * The server's reason code (MQTT 5, section 2.4; with MQTT 3.1.1 the return code of CONNACK); 0
   * when it gave none.
   */
  public int reasonCode() {
    return reasonCode;
  }
}
