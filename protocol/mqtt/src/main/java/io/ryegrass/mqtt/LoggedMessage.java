package io.ryegrass.mqtt;

import org.jspecify.annotations.Nullable;

/** A message as a record of the log has it; decoded once, when somebody wants it. */
final class LoggedMessage {
  private final byte[] record;
  private final int from;
  private final int weight;
  private volatile @Nullable Message decoded;

  LoggedMessage(byte[] record, int from) {
    this.record = record;
    this.from = from;
    this.weight = MessageCodec.weight(new ByteReader(record, from, record.length));
  }

  int weight() {
    return weight;
  }

  Message message(MessageCodec.Names names) {
    Message known = decoded;
    if (known == null) {
      known = MessageCodec.read(new ByteReader(record, from, record.length), names);
      decoded = known;
    }
    return known;
  }

  void copyTo(ByteWriter out) {
    out.raw(record, from, record.length - from);
  }
}
