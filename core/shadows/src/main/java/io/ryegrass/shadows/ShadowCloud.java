package io.ryegrass.shadows;

import io.ryegrass.nucleus.CloudRefusedException;
import io.ryegrass.nucleus.CloudUnavailableException;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** HTTPS calls to the data endpoint of AWS IoT, with the core's certificate. */
@FunctionalInterface
public interface ShadowCloud {
  /**
   * @param path path and query as they shall stand on the wire
   * @param body null sends none
   * @return the body of a 2xx answer
   * @throws CloudUnavailableException when trying again later may help
   * @throws CloudRefusedException when it does not; the codes {@code RESOURCE_NOT_FOUND} (404) and
   *     {@code CONFLICTED_REQUEST} (409) mean something here
   */
  JsonNode call(String method, String path, @Nullable JsonNode body);
}
