package io.ryegrass.lambda;

import io.ryegrass.model.Json;
import java.util.Base64;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/** Reads {@code X-Amz-Client-Context}: base64 of a JSON object. */
final class ClientContext {

  private ClientContext() {}

  /** The object, empty when the text is none. */
  static JsonNode read(String base64) {
    if (!base64.isEmpty()) {
      try {
        JsonNode node = Json.read(Base64.getDecoder().decode(base64));
        if (node.isObject()) {
          return node;
        }
      } catch (IllegalArgumentException | JacksonException e) {
        return JsonNodeFactory.instance
            .objectNode(); // as if there were none: that is what callers see of AWS
      }
    }
    return JsonNodeFactory.instance.objectNode();
  }

  static String custom(String base64, String name) {
    return read(base64).path("custom").path(name).asString("");
  }
}
