package io.ryegrass.mqtt;

/**
 * A message owed to one session.
 *
 * @param sequence the journal's number of the message; 0 when it is not stored for this session
 * @param qos what this receiver gets, 0 to 2
 * @param retain the RETAIN flag that the receiver sees
 * @param identifiers subscription identifiers to be sent with it; empty for none
 * @param notBefore journal position that must be on the disk before the message may go out; 0 for
 *     none
 */
record Queued(
    long sequence, Message message, int qos, boolean retain, int[] identifiers, long notBefore) {
  static final int[] NO_IDENTIFIERS = new int[0];

  /** The same for waiting long. */
  Queued atRest() {
    return new Queued(sequence, message.atRest(), qos, retain, identifiers, notBefore);
  }
}
