package io.ryegrass.mqtt;

/** Is told what is owed to a session: each of the three in its order. */
interface OwedSink {
  /** A QoS 2 packet identifier of the client, whose PUBREL has not come. */
  void received(int packetId);

  void inFlight(int packetId, boolean released, OwedItem item);

  void queued(OwedItem item);
}
