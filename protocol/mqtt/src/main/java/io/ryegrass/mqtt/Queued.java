package io.ryegrass.mqtt;

/**
 * A message owed to one session. The payload array is shared by all sessions and never changed.
 *
 * @param sequence the journal's number of the message; 0 when it is not stored
 * @param retain the RETAIN flag that the receiver sees: set only for a retained message sent on
 *     subscription
 */
record Queued(long sequence, String topic, byte[] payload, int qos, boolean retain) {}
