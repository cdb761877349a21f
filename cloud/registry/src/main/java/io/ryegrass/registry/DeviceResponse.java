package io.ryegrass.registry;

import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The answer to a device's HTTPS request. */
public record DeviceResponse(int status, Map<String, String> headers, byte[] body) {
  private static final JsonMapper JSON = JsonMapper.shared();

  public static DeviceResponse json(int status, JsonNode body) {
    return new DeviceResponse(
        status, Map.of("content-type", "application/json"), JSON.writeValueAsBytes(body));
  }

  /** An error in the form of restJson1: the code in a header, the message in the body. */
  public static DeviceResponse error(int status, String code, String message) {
    byte[] body = JSON.writeValueAsBytes(JSON.createObjectNode().put("message", message));
    return new DeviceResponse(
        status, Map.of("content-type", "application/json", "x-amzn-errortype", code), body);
  }
}
