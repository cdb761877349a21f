package io.ryegrass.registry;

import java.util.List;
import java.util.Map;

/**
 * An HTTPS request of a device.
 *
 * @param pathParameters decoded
 * @param query decoded
 * @param headers lower-case names; the first value of each
 */
public record DeviceRequest(
    DevicePrincipal device,
    Map<String, String> pathParameters,
    Map<String, List<String>> query,
    Map<String, String> headers,
    byte[] body) {
  /** The parameter's value; empty when the path has none of this name. */
  public String path(String name) {
    return pathParameters.getOrDefault(name, "");
  }
}
