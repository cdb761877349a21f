package io.ryegrass.groups;

import io.ryegrass.identity.TemporaryCredentials;

/** Takes on the role of a group for its core. */
@FunctionalInterface
interface GroupRoles {
  /**
   * @param thingName the core
   * @throws io.ryegrass.awsapi.AwsException when the role is unknown or does not trust Greengrass
   */
  TemporaryCredentials assume(String roleArn, String sessionName, String thingName);
}
