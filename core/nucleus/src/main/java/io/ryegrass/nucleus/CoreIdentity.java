package io.ryegrass.nucleus;

import java.nio.file.Path;

/**
 * Who this core is: section {@code system} of {@code config.yaml}. No deployment ever changes it.
 *
 * @param thingName IoT thing name of the core
 * @param certificate PEM certificate of the core
 * @param privateKey PEM private key of the core
 * @param rootCa PEM file with the root certificates of the cloud
 */
public record CoreIdentity(String thingName, Path certificate, Path privateKey, Path rootCa) {}
