package io.ryegrass.mqtt;

import org.jspecify.annotations.Nullable;

/**
 * One message owed to one session, on its way between the log, the files of checkpoints and memory.
 * Readers use one object for all items of a list; who keeps one takes a {@link #copy}.
 */
final class OwedItem {
  /** Value of {@link #file} for a message that no checkpoint has written yet. */
  static final int NO_FILE = 0;

  long sequence;
  int qos;
  boolean retain;
  int[] identifiers = Queued.NO_IDENTIFIERS;

  /** Whether other sessions were owed the same message when it was written. */
  boolean shared;

  /** {@link Message#weight}. */
  int weight;

  /** Number of the {@link MessageFile} that has it, and where in it. */
  int file = NO_FILE;

  long position;
  int length;

  /** The message itself when it is in memory, decoded or as the log had it. */
  @Nullable Message message;

  @Nullable LoggedMessage logged;

  OwedItem copy() {
    OwedItem copy = new OwedItem();
    copy.sequence = sequence;
    copy.qos = qos;
    copy.retain = retain;
    copy.identifiers = identifiers;
    copy.shared = shared;
    copy.weight = weight;
    copy.file = file;
    copy.position = position;
    copy.length = length;
    copy.message = message;
    copy.logged = logged;
    return copy;
  }

  Queued queued(Message body) {
    return new Queued(sequence, body, qos, retain, identifiers, 0);
  }
}
