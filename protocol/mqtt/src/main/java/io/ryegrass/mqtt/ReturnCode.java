package io.ryegrass.mqtt;

/** Return codes of a refused CONNECT, MQTT 3.1.1 section 3.2.2.3. */
public enum ReturnCode {
  UNACCEPTABLE_PROTOCOL_VERSION(1),
  IDENTIFIER_REJECTED(2),
  SERVER_UNAVAILABLE(3),
  BAD_USER_NAME_OR_PASSWORD(4),
  NOT_AUTHORISED(5);

  private final int value;

  ReturnCode(int value) {
    this.value = value;
  }

  /** The byte on the wire. */
  public int value() {
    return value;
  }
}
