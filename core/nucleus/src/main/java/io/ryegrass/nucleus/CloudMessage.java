package io.ryegrass.nucleus;

/** A message that came from the cloud. */
public record CloudMessage(String topic, byte[] payload, int qos) {}
