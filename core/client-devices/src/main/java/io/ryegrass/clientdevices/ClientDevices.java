package io.ryegrass.clientdevices;

import io.ryegrass.nucleus.BuiltIn;
import java.time.Clock;
import java.util.List;

/** Makes the built-in components for client devices of one core. */
public final class ClientDevices {
  private final List<BuiltIn> builtIns;

  /**
   * @param cloud signs the broker's certificate and takes its addresses
   * @param clock for the renewal of the certificate
   */
  public ClientDevices(ServerCertificateSource cloud, Clock clock) {
    DeviceRegistry devices = new DeviceRegistry();
    this.builtIns = List.of(new ClientDeviceAuth(devices), new LocalBroker(devices, cloud, clock));
  }

  /**
   * {@code aws.greengrass.clientdevices.Auth} and {@code
   * aws.greengrass.clientdevices.mqtt.Moquette}.
   */
  public List<BuiltIn> builtIns() {
    return builtIns;
  }
}
