package io.ryegrass.cloudlink;

/**
 * Counters of the link since the process started; sizes are of the moment.
 *
 * @param controlConnected whether the control connection is up
 * @param userConnected whether the first user connection is up
 * @param connectAttempts attempts of all connections
 * @param spoolMessages messages in the spool
 * @param spoolBytes size of the spool on disk
 * @param sent messages handed from the spool to a connection, repetitions included
 * @param dropped messages dropped because the spool was full
 * @param damaged messages of the spool that could not be read any more
 * @param expired messages of the spool whose time was over before they could be sent
 * @param quarantined messages set aside because the cloud refused them for good
 * @param qos0Refused QoS 0 messages refused because no connection or no room was there
 * @param unwanted messages of the cloud that nobody here had subscribed to, those included that
 *     were held for a subscriber that did not come back
 * @param statusesPending deployment statuses not delivered yet
 * @param fleetMessages fleet status messages that the cloud acknowledged
 */
public record LinkMetrics(
    boolean controlConnected,
    boolean userConnected,
    long connectAttempts,
    long spoolMessages,
    long spoolBytes,
    long sent,
    long dropped,
    long damaged,
    long expired,
    long quarantined,
    long qos0Refused,
    long unwanted,
    int statusesPending,
    long fleetMessages) {}
