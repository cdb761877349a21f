package io.ryegrass.mqtt;

/** The last retained message of a topic. */
record RetainedMessage(String topic, byte[] payload, int qos) {}
