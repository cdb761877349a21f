package io.ryegrass.registry;

/** A message a device published on a topic that a service handles; already authorised. */
public record DeviceMessage(
    String clientId, DevicePrincipal device, String topic, byte[] payload) {}
