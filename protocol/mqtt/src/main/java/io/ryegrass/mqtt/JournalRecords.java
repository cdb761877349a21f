package io.ryegrass.mqtt;

import java.util.List;

/**
 * The records of the log: a byte for the kind, then the fields. Sessions are named by a number of
 * our own and never by the client's identifier, so no identifier can collide with another key (a
 * fault that brokers fell to). Kinds are never reused; 1 to 10 are those of {@link FormerRecords}.
 */
final class JournalRecords {
  static final int SESSION_CREATED = 11;
  static final int SESSION_CHANGED = 12;
  static final int SESSION_REMOVED = 13;
  static final int SUBSCRIBED = 14;
  static final int UNSUBSCRIBED = 15;

  /** A message, to whom it is owed and, when it came with QoS 2, its packet identifier. */
  static final int MESSAGE = 16;

  /** A QoS 2 packet identifier of a message that is owed to nobody. */
  static final int RECEIVED = 17;

  static final int RECEIVED_DONE = 18;
  static final int SENT = 19;
  static final int RELEASED = 20;
  static final int SETTLED = 21;
  static final int RETAINED = 22;
  static final int RETAINED_REMOVED = 23;

  private static final int OWED_RETAIN = 1 << 2;
  private static final int OWED_IDENTIFIERS = 1 << 3;
  private static final int NO_LOCAL = 1 << 2;
  private static final int RETAIN_AS_PUBLISHED = 1 << 3;
  private static final int RETAIN_HANDLING_SHIFT = 4;

  private JournalRecords() {}

  static void subscription(ByteWriter out, Subscription s) {
    out.u8(
        s.qos()
            | (s.noLocal() ? NO_LOCAL : 0)
            | (s.retainAsPublished() ? RETAIN_AS_PUBLISHED : 0)
            | s.retainHandling() << RETAIN_HANDLING_SHIFT);
    out.varint(s.identifier()).text(s.filter());
  }

  static Subscription subscription(ByteReader in) {
    int flags = in.u8();
    int identifier = in.intVarint();
    return new Subscription(
        in.text(),
        flags & 0b11,
        (flags & NO_LOCAL) != 0,
        (flags & RETAIN_AS_PUBLISHED) != 0,
        flags >> RETAIN_HANDLING_SHIFT & 0b11,
        identifier);
  }

  static void owed(ByteWriter out, List<Owed> owed) {
    out.varint(owed.size());
    long previous = 0;
    for (int i = 0; i < owed.size(); i++) {
      Owed o = owed.get(i);
      out.varint(ByteWriter.zigzag(o.incarnation() - previous));
      previous = o.incarnation();
      int[] identifiers = o.identifiers();
      out.u8(
          o.qos()
              | (o.retain() ? OWED_RETAIN : 0)
              | (identifiers.length > 0 ? OWED_IDENTIFIERS : 0));
      if (identifiers.length > 0) {
        out.varint(identifiers.length);
        for (int identifier : identifiers) {
          out.varint(identifier);
        }
      }
    }
  }

  interface OwedReader {
    void owed(long incarnation, int qos, boolean retain, int[] identifiers);
  }

  static void owed(ByteReader in, OwedReader reader) {
    long incarnation = 0;
    for (long n = in.varint(); n > 0; n--) {
      incarnation += ByteReader.unzigzag(in.varint());
      int flags = in.u8();
      int[] identifiers = Queued.NO_IDENTIFIERS;
      if ((flags & OWED_IDENTIFIERS) != 0) {
        identifiers = new int[in.intVarint()];
        for (int i = 0; i < identifiers.length; i++) {
          identifiers[i] = in.intVarint();
        }
      }
      reader.owed(incarnation, flags & 0b11, (flags & OWED_RETAIN) != 0, identifiers);
    }
  }
}
