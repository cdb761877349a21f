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

  /** The same in MQTT 5. */
  int reasonCode() {
    return switch (this) {
      case UNACCEPTABLE_PROTOCOL_VERSION -> ReasonCode.UNSUPPORTED_PROTOCOL_VERSION;
      case IDENTIFIER_REJECTED -> ReasonCode.CLIENT_IDENTIFIER_NOT_VALID;
      case SERVER_UNAVAILABLE -> ReasonCode.SERVER_UNAVAILABLE;
      case BAD_USER_NAME_OR_PASSWORD -> ReasonCode.BAD_USER_NAME_OR_PASSWORD;
      case NOT_AUTHORISED -> ReasonCode.NOT_AUTHORIZED;
    };
  }

  /** The byte on the wire. */
  public int value() {
    return value;
  }
}
