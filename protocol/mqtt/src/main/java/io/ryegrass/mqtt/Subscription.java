package io.ryegrass.mqtt;

/**
 * One subscription as it was granted (MQTT 5, section 3.8.3.1; a client of version 3 has the
 * defaults).
 *
 * @param filter as sent, with {@code $share/<group>/} if it is a shared one
 * @param qos granted, 0 to 2
 * @param retainHandling 0: send retained messages, 1: only if the subscription is new, 2: never
 * @param identifier 1 to 268,435,455, or 0 for none
 */
record Subscription(
    String filter,
    int qos,
    boolean noLocal,
    boolean retainAsPublished,
    int retainHandling,
    int identifier) {}
