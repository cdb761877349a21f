package io.ryegrass.shadows;

import io.ryegrass.model.Json;
import io.ryegrass.model.shadow.ShadowDocument;
import io.ryegrass.nucleus.CloudRefusedException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The shadows in the cloud, over HTTPS with the core's certificate (mqtt-cloud, section 3.4). */
final class CloudShadows {
  /** A shadow as the cloud has it; one that is not there has no state. */
  record Seen(boolean present, ObjectNode state, long version) {
    static final Seen ABSENT = new Seen(false, Json.object(), 0);
  }

  /** Somebody else changed the shadow meanwhile. */
  static final class Conflict extends Exception {
    private static final long serialVersionUID = 1L;

    Conflict(String why) {
      super(why);
    }
  }

  private final ShadowCloud https;

  CloudShadows(ShadowCloud https) {
    this.https = https;
  }

  Seen get(ShadowKey key) {
    JsonNode found;
    try {
      found = https.call("GET", path(key), null);
    } catch (CloudRefusedException e) {
      if (e.code().equals("RESOURCE_NOT_FOUND")) {
        return Seen.ABSENT;
      }
      throw e;
    }
    ObjectNode state = Json.object();
    for (String section : ShadowDocument.SECTIONS) {
      if (found.path("state").get(section) instanceof ObjectNode object && !object.isEmpty()) {
        state.set(section, object);
      }
    }
    return new Seen(true, state, found.path("version").asLong(0));
  }

  /**
   * @param version the one that the cloud must still have; 0 when there is none
   * @return the new version
   */
  long update(ShadowKey key, ObjectNode patch, long version) throws Conflict {
    ObjectNode request = Json.object();
    request.set("state", patch);
    if (version > 0) {
      request.put("version", version);
    }
    try {
      return https.call("POST", path(key), request).path("version").asLong(0);
    } catch (CloudRefusedException e) {
      String why = String.valueOf(e.getMessage());
      // 400 "Invalid version" is the answer where the shadow was deleted meanwhile
      if (e.code().equals("CONFLICTED_REQUEST") || why.contains("Invalid version")) {
        throw new Conflict(why);
      }
      throw e;
    }
  }

  /** Does nothing when there is none. */
  void delete(ShadowKey key) {
    try {
      var unused = https.call("DELETE", path(key), null);
    } catch (CloudRefusedException e) {
      if (!e.code().equals("RESOURCE_NOT_FOUND")) {
        throw e;
      }
    }
  }

  private static String path(ShadowKey key) {
    return "/things/"
        + encoded(key.thing())
        + "/shadow"
        + (key.shadow().isEmpty() ? "" : "?name=" + encoded(key.shadow()));
  }

  private static String encoded(String name) {
    return URLEncoder.encode(name, StandardCharsets.UTF_8);
  }
}
