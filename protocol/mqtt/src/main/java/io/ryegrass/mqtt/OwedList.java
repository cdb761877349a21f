package io.ryegrass.mqtt;

/**
 * What is owed to one session, as a checkpoint has it: identifiers received (ended by 0), messages
 * in flight (ended by 0), messages that wait (up to the end). An item takes about five bytes, since
 * sequence and place are told by their distance from the item before:
 *
 * <pre>
 * varint  zigzag(sequence - previous) &lt;&lt; 7 | has body | other file | shared | identifiers | retain | qos(2)
 * varint  number of the message file                  (other file)
 * varint  count, then the subscription identifiers    (identifiers)
 * varint  weight, length - weight, zigzag(position - end of the one before)   (has body)
 * </pre>
 */
final class OwedList {
  private static final int RETAIN = 1 << 2;
  private static final int IDENTIFIERS = 1 << 3;
  private static final int SHARED = 1 << 4;
  private static final int OTHER_FILE = 1 << 5;
  private static final int BODY = 1 << 6;
  private static final int FLAG_BITS = 7;

  private OwedList() {}

  /** Items of one section. */
  private static final class Section {
    private final ByteWriter out = new ByteWriter(256);
    private long sequence;
    private int file = OwedItem.NO_FILE;
    private long end;

    private void clear() {
      out.clear();
      sequence = 0;
      file = OwedItem.NO_FILE;
      end = 0;
    }

    private void add(OwedItem item, boolean body) {
      boolean other = body && item.file != file;
      int flags =
          item.qos
              | (item.retain ? RETAIN : 0)
              | (item.identifiers.length > 0 ? IDENTIFIERS : 0)
              | (item.shared ? SHARED : 0)
              | (other ? OTHER_FILE : 0)
              | (body ? BODY : 0);
      out.varint(ByteWriter.zigzag(item.sequence - sequence) << FLAG_BITS | flags);
      sequence = item.sequence;
      if (other) {
        file = item.file;
        out.varint(file);
      }
      if (item.identifiers.length > 0) {
        out.varint(item.identifiers.length);
        for (int identifier : item.identifiers) {
          out.varint(identifier);
        }
      }
      if (body) {
        out.varint(item.weight).varint(ByteWriter.zigzag(item.length - item.weight));
        out.varint(ByteWriter.zigzag(item.position - end));
        end = item.position + MessageFile.FRAME_HEAD + item.length;
      }
    }
  }

  /** Collects a list; items have their place when they come. */
  static final class Writer {
    private final ByteWriter received = new ByteWriter(64);
    private final Section inFlight = new Section();
    private final Section queue = new Section();
    private final ByteWriter whole = new ByteWriter(1024);
    private int count;
    private long bytes;

    void clear() {
      received.clear();
      inFlight.clear();
      queue.clear();
      count = 0;
      bytes = 0;
    }

    void received(int packetId) {
      received.varint(packetId);
    }

    void inFlight(int packetId, boolean released, OwedItem item) {
      inFlight.out.varint((long) packetId << 1 | (released ? 1 : 0));
      inFlight.add(item, !released);
      count(released ? 0 : item.weight);
    }

    void queued(OwedItem item) {
      queue.add(item, true);
      count(item.weight);
    }

    private void count(int weight) {
      count++;
      bytes += weight;
    }

    int messages() {
      return count;
    }

    long bytes() {
      return bytes;
    }

    /** Valid until the next {@link #clear}; empty when nothing is owed. */
    ByteWriter whole() {
      whole.clear();
      if (count > 0 || received.size() > 0) {
        whole.raw(received.array(), 0, received.size()).varint(0);
        whole.raw(inFlight.out.array(), 0, inFlight.out.size()).varint(0);
        whole.raw(queue.out.array(), 0, queue.out.size());
      }
      return whole;
    }
  }

  /**
   * Goes through a list: {@link #nextReceived} until it gives 0, {@link #nextInFlight} until false,
   * then {@link #nextQueued} until false.
   */
  static final class Reader {
    final OwedItem item = new OwedItem();
    private final ByteReader in;
    private final boolean empty;
    private int packetId;
    private boolean released;
    private boolean hasBody;
    private int file = OwedItem.NO_FILE;
    private long end;

    Reader(byte[] list) {
      in = new ByteReader(list);
      empty = list.length == 0;
    }

    int nextReceived() {
      return empty ? 0 : in.intVarint();
    }

    boolean nextInFlight() {
      int next = empty ? 0 : in.intVarint();
      if (next == 0) {
        begin();
        return false;
      }
      packetId = next >>> 1;
      released = (next & 1) != 0;
      read();
      return true;
    }

    boolean nextQueued() {
      if (!in.hasMore()) {
        return false;
      }
      read();
      return true;
    }

    int packetId() {
      return packetId;
    }

    boolean released() {
      return released;
    }

    private void begin() {
      item.sequence = 0;
      file = OwedItem.NO_FILE;
      end = 0;
    }

    private void read() {
      long head = in.varint();
      item.sequence += ByteReader.unzigzag(head >>> FLAG_BITS);
      item.qos = (int) head & 0b11;
      item.retain = (head & RETAIN) != 0;
      item.shared = (head & SHARED) != 0;
      hasBody = (head & BODY) != 0;
      if ((head & OTHER_FILE) != 0) {
        file = in.intVarint();
      }
      item.identifiers = Queued.NO_IDENTIFIERS;
      if ((head & IDENTIFIERS) != 0) {
        int[] identifiers = new int[in.intVarint()];
        for (int i = 0; i < identifiers.length; i++) {
          identifiers[i] = in.intVarint();
        }
        item.identifiers = identifiers;
      }
      item.file = hasBody ? file : OwedItem.NO_FILE;
      item.weight = 0;
      item.length = 0;
      item.position = 0;
      if (hasBody) {
        item.weight = in.intVarint();
        item.length = item.weight + (int) ByteReader.unzigzag(in.varint());
        item.position = end + ByteReader.unzigzag(in.varint());
        end = item.position + MessageFile.FRAME_HEAD + item.length;
      }
    }
  }
}
