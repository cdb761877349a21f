package io.ryegrass.mqtt;

/**
 * What is stored of a session beside its subscriptions and messages.
 *
 * @param expirySeconds how long after the disconnect the session ends; {@link #NEVER} for never
 * @param disconnectedAt milliseconds since the epoch; 0 while it is connected (or was, when the
 *     process died)
 */
record SessionMeta(String clientId, long expirySeconds, long disconnectedAt) {
  static final long NEVER = 0xFFFF_FFFFL;
}
