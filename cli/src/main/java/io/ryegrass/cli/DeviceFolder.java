package io.ryegrass.cli;

import io.ryegrass.durable.DurableFiles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import software.amazon.awssdk.services.iot.model.CreateKeysAndCertificateResponse;

/**
 * The folder of a device: {@code certs/} and, for a core, {@code config/config.yaml}. What is made
 * here is written durably, the private key for its owner only, and the configuration last: a folder
 * that names an identity has all of it.
 */
public final class DeviceFolder {
  private final Path root;
  private final Path certificates;

  public DeviceFolder(Path root) {
    this(root, root.resolve("certs"));
  }

  /**
   * @param certificates where the files of the identity go
   */
  public DeviceFolder(Path root, Path certificates) {
    this.root = root.toAbsolutePath().normalize();
    this.certificates = certificates.toAbsolutePath().normalize();
  }

  /**
   * Made before anything is asked of the cloud, so that an unwritable folder leaves nothing behind.
   */
  public void prepare() {
    try {
      Files.createDirectories(certificates);
      Files.createDirectories(root.resolve("config"));
    } catch (IOException e) {
      throw new CliException(
          "cannot write to "
              + root
              + " ("
              + e.getClass().getSimpleName()
              + "); choose a folder that you may write with --root");
    }
  }

  /** A folder that has an identity keeps it. */
  void requireNoIdentity() {
    if (!CoreConfiguration.ofRoot(root).thingName().isBlank()) {
      throw new CliException(
          root
              + " is already provisioned (its config/config.yaml names thing '"
              + CoreConfiguration.ofRoot(root).thingName()
              + "'); choose another --root, or remove that file to give the folder a new identity");
    }
  }

  public Path certificate() {
    return certificates.resolve("device.pem.crt");
  }

  public Path privateKey() {
    return certificates.resolve("private.pem.key");
  }

  public Path rootCa() {
    return certificates.resolve("root-ca.pem");
  }

  /** Key and certificate, and whom to trust. */
  public void writeIdentity(CreateKeysAndCertificateResponse identity, String rootCaPem) {
    write(privateKey(), identity.keyPair().privateKey(), "rw-------");
    write(certificate(), identity.certificatePem(), "rw-r--r--");
    writeRootCa(rootCaPem);
  }

  /** Whom to trust. */
  public void writeRootCa(String rootCaPem) {
    write(rootCa(), rootCaPem, "rw-r--r--");
  }

  private static void write(Path file, String text, String mode) {
    DurableFiles.writeAtomically(
        file, text.getBytes(StandardCharsets.UTF_8), PosixFilePermissions.fromString(mode));
  }
}
