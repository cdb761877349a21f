package io.ryegrass.secretmanager;

import tools.jackson.databind.JsonNode;

/** Where values come from. */
@FunctionalInterface
public interface SecretSource {
  /**
   * The answer of Secrets Manager's GetSecretValue for the version with a label.
   *
   * @throws io.ryegrass.nucleus.CloudUnavailableException when trying again later may help
   * @throws io.ryegrass.nucleus.CloudRefusedException with the cloud's reason when it does not
   */
  JsonNode fetch(String arn, String label);
}
