package io.ryegrass.nucleus;

import java.nio.file.Path;

/**
 * Who this core is: section {@code system} of {@code config.yaml}. No deployment ever changes it.
 *
 * @param thingName IoT thing name of the core; empty when it belongs to no cloud
 * @param certificate PEM certificate of the core
 * @param privateKey PEM private key of the core
 * @param rootCa PEM file with the root certificates of the cloud
 * @param cloud whether there is a cloud to talk to with it: false for a core without identity, and
 *     while a file of the identity is damaged
 */
public record CoreIdentity(
    String thingName, Path certificate, Path privateKey, Path rootCa, boolean cloud) {

  /** An identity that is whole. */
  public CoreIdentity(String thingName, Path certificate, Path privateKey, Path rootCa) {
    this(thingName, certificate, privateKey, rootCa, true);
  }

  /** A core that belongs to no cloud (LESSON-13). The files it names are not there. */
  public static CoreIdentity none(Path root) {
    Path nowhere = root.resolve("config").resolve("none.pem");
    return new CoreIdentity("", nowhere, nowhere, nowhere, false);
  }

  /** The same, without a cloud. */
  public CoreIdentity withoutCloud() {
    return new CoreIdentity(thingName, certificate, privateKey, rootCa, false);
  }
}
