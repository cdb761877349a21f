package io.ryegrass.mqtt;

import org.jspecify.annotations.Nullable;

/**
 * The broker cannot do what it was asked; the message says what failed, on what, and what to do.
 */
public final class MqttBrokerException extends RuntimeException {
  /** The address is taken or not this machine's. */
  public static final String BIND_FAILED = "BIND_FAILED";

  /** A topic that cannot be published to. */
  public static final String INVALID_TOPIC = "INVALID_TOPIC";

  /** Properties that MQTT 5 cannot carry. */
  public static final String INVALID_PROPERTIES = "INVALID_PROPERTIES";

  /** The journal refused a message. */
  public static final String STORE_FAILED = "STORE_FAILED";

  private final String code;

  MqttBrokerException(String code, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  /** One of the constants of this class. */
  public String code() {
    return code;
  }
}
