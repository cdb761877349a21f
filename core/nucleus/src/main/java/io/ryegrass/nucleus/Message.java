package io.ryegrass.nucleus;

/**
 * One message on the bus. The payload is shared by all targets and must not be changed.
 *
 * @param source who sent it, as established by whoever let it in (token, certificate), never taken
 *     from the message itself
 * @param space local pub/sub of V2 components, or the V1 subscription table
 * @param topic topic without wildcards
 * @param payload bytes
 * @param qos 0 or 1, as the sender asked
 * @param format whether the sender said that the payload is JSON; a subscriber of V2 pub/sub hears
 *     it in the form in which it was published (v2-ipc.md section 7.3)
 */
public record Message(
    Participant source, Space space, String topic, byte[] payload, int qos, Format format) {
  /** A message of bytes that nobody said anything about. */
  public Message(Participant source, Space space, String topic, byte[] payload, int qos) {
    this(source, space, topic, payload, qos, Format.BINARY);
  }

  /** What a sender says of its payload. */
  public enum Format {
    BINARY,
    /** A JSON object in UTF-8. */
    JSON
  }

  /** Which rules carry a message. */
  public enum Space {
    /** V2 local pub/sub. */
    PUBSUB,
    /** V1 subscription table. */
    ROUTED
  }
}
