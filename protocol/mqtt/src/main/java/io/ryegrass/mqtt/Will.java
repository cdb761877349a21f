package io.ryegrass.mqtt;

/**
 * What a client asked to be published when its connection ends without DISCONNECT ([MQTT-3.1.2-8]).
 */
public record Will(String topic, byte[] payload, int qos, boolean retain) {}
