package io.ryegrass.mqtt;

/** Packet types, MQTT 5 section 2.1.2. */
final class PacketTypes {
  static final int PUBACK = 4;
  static final int PUBREC = 5;
  static final int PUBREL = 6;
  static final int PUBCOMP = 7;

  private PacketTypes() {}
}
