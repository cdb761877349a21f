package io.ryegrass.clientdevices;

import io.ryegrass.nucleus.BuiltIn;
import io.ryegrass.nucleus.BuiltInContext;

/**
 * {@code aws.greengrass.clientdevices.Auth}: keeps the registry of devices as its configuration
 * says.
 */
final class ClientDeviceAuth implements BuiltIn {
  private final DeviceRegistry devices;

  ClientDeviceAuth(DeviceRegistry devices) {
    this.devices = devices;
  }

  @Override
  public String name() {
    return "aws.greengrass.clientdevices.Auth";
  }

  @Override
  public void start(BuiltInContext c) {
    c.onConfigurationChanged(devices::update);
    devices.update(c.configuration());
  }

  /** No component, no devices: whoever is connected is disconnected. */
  @Override
  public void stop() {
    devices.clear();
  }
}
