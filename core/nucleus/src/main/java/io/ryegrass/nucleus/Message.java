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
 */
public record Message(Participant source, Space space, String topic, byte[] payload, int qos) {
  /** Which rules carry a message. */
  public enum Space {
    /** V2 local pub/sub. */
    PUBSUB,
    /** V1 subscription table. */
    ROUTED
  }
}
