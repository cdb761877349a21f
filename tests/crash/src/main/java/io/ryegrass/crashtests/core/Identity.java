package io.ryegrass.crashtests.core;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** A core's identity for a cloud that nobody can reach. */
final class Identity {
  private Identity() {}

  /** Writes configuration, key and certificate, as provisioning leaves them. */
  static void provision(Path root, String thing) {
    try {
      Path certs = Files.createDirectories(root.resolve("certs"));
      Files.createDirectories(root.resolve("config"));
      Process made =
          new ProcessBuilder(
                  "openssl",
                  "req",
                  "-x509",
                  "-newkey",
                  "ec",
                  "-pkeyopt",
                  "ec_paramgen_curve:P-256",
                  "-nodes",
                  "-days",
                  "30",
                  "-subj",
                  "/CN=" + thing,
                  "-keyout",
                  certs.resolve("core.key").toString(),
                  "-out",
                  certs.resolve("core.pem").toString())
              .redirectErrorStream(true)
              .start();
      String said = new String(made.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!made.waitFor(30, TimeUnit.SECONDS) || made.exitValue() != 0) {
        throw new IOException("openssl did not make a certificate: " + said);
      }
      Files.writeString(
          root.resolve("config/config.yaml"),
          """
          system:
            thingName: %2$s
            certificateFilePath: %1$s/core.pem
            privateKeyPath: %1$s/core.key
            rootCaPath: %1$s/core.pem
            rootpath: %3$s
          services:
            aws.greengrass.Nucleus:
              componentType: NUCLEUS
              version: 2.15.0
              configuration:
                awsRegion: us-east-1
                iotRoleAlias: alias
                iotDataEndpoint: 127.0.0.1
                iotCredEndpoint: 127.0.0.1:1
                greengrassDataPlaneEndpoint: 127.0.0.1
                greengrassDataPlanePort: 1
                mqtt: {port: 1}
          """
              .formatted(certs, thing, root));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
