package io.ryegrass.devicegateway;

import java.nio.file.Path;

/**
 * Where the gateway listens.
 *
 * @param host address to bind to
 * @param apiPort HTTP port of the AWS APIs; 0 takes a free one, as with the others
 * @param httpsPort HTTPS port for devices
 * @param mqttPort MQTT port for devices
 * @param frontPort port of MQTT, HTTPS and WebSocket together, as IoT Core's 443
 * @param mqttFolder sessions and retained messages live there
 * @param region part of the ARNs that policies speak of
 * @param accountId the same
 */
public record GatewaySettings(
    String host,
    int apiPort,
    int httpsPort,
    int mqttPort,
    int frontPort,
    Path mqttFolder,
    String region,
    String accountId) {

  /** With a free port for what shares one. */
  public GatewaySettings(
      String host,
      int apiPort,
      int httpsPort,
      int mqttPort,
      Path mqttFolder,
      String region,
      String accountId) {
    this(host, apiPort, httpsPort, mqttPort, 0, mqttFolder, region, accountId);
  }
}
