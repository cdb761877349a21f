package io.ryegrass.mqtt;

import org.jspecify.annotations.Nullable;

/**
 * What a CONNACK of MQTT 5 tells beside its reason code (section 3.2.2.3); what equals the
 * standard's default is not sent.
 *
 * @param sessionExpirySeconds the server's own choice; -1 when the client's stands
 * @param receiveMaximum 1 to 65,535 (the default)
 * @param maximumQos 0, 1 or 2 (the default)
 * @param maximumPacketSize 0 for no limit
 * @param assignedClientId null when the client brought one
 * @param serverKeepAliveSeconds -1 when the client's stands
 */
record ConnAckProperties(
    long sessionExpirySeconds,
    int receiveMaximum,
    int maximumQos,
    boolean retainAvailable,
    long maximumPacketSize,
    @Nullable String assignedClientId,
    int topicAliasMaximum,
    @Nullable String reasonString,
    boolean wildcardsAvailable,
    boolean subscriptionIdentifiersAvailable,
    boolean sharedSubscriptionsAvailable,
    int serverKeepAliveSeconds,
    @Nullable String responseInformation) {
  static final ConnAckProperties NONE =
      new ConnAckProperties(-1, 65_535, 2, true, 0, null, 0, null, true, true, true, -1, null);

  /** For a refusal. */
  static ConnAckProperties refusal(@Nullable String reasonString) {
    return new ConnAckProperties(
        -1, 65_535, 2, true, 0, null, 0, reasonString, true, true, true, -1, null);
  }
}
