package io.ryegrass.mqtt;

/**
 * A packet that breaks the protocol; the connection ends with this reason code [MQTT-4.13.1-1].
 * Without a stack trace: attackers make these by the thousand.
 */
final class MalformedPacketException extends Exception {
  private static final long serialVersionUID = 1L;

  private final int reasonCode;

  MalformedPacketException(int reasonCode, String what) {
    super(what, null, false, false);
    this.reasonCode = reasonCode;
  }

  int reasonCode() {
    return reasonCode;
  }
}
