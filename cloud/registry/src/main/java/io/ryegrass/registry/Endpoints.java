package io.ryegrass.registry;

import java.net.URI;

/** Where this cloud is reached: devices by host and two ports, operators by the API's address. */
public record Endpoints(String deviceHost, int mqttPort, int httpsPort, URI apiUrl) {}
