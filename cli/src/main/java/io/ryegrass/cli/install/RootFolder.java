package io.ryegrass.cli.install;

import io.ryegrass.cli.CliException;
import io.ryegrass.cli.CoreConfiguration;
import io.ryegrass.durable.DurableFiles;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Set;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.jar.Manifest;

/** The root folder of a core, as an installation sees it. */
final class RootFolder {
  private static final Set<PosixFilePermission> OPEN = PosixFilePermissions.fromString("rwxr-xr-x");

  private final Path root;

  RootFolder(Path root) {
    this.root = root;
  }

  Path path() {
    return root;
  }

  /**
   * The folders, and the link that the loader starts the nucleus by. A launch folder that a
   * deployment made stays; that of an installation follows this distribution.
   */
  void prepare(Path home) {
    try {
      boolean fresh = !Files.exists(root);
      for (String name : new String[] {"config", "packages", "logs", "work", "alts/init"}) {
        DurableFiles.createDirectories(root.resolve(name));
      }
      if (fresh) {
        Files.setPosixFilePermissions(root, OPEN);
      }
      link(root.resolve("alts/init/distro"), home);
      if (!Files.exists(root.resolve("alts/current/distro"))) {
        link(root.resolve("alts/current"), Path.of("init"));
      }
    } catch (IOException | io.ryegrass.durable.DurableException e) {
      throw new CliException(
          "cannot write to "
              + root
              + " ("
              + e.getMessage()
              + "); choose a folder that you may write with --root");
    }
  }

  private static void link(Path link, Path target) throws IOException {
    if (Files.isSymbolicLink(link) && Files.readSymbolicLink(link).equals(target)) {
      return;
    }
    Path fresh = link.resolveSibling("." + link.getFileName() + ".~new");
    Files.deleteIfExists(fresh);
    Files.createSymbolicLink(fresh, target);
    Files.move(fresh, link, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /**
   * INS-29: a new configuration erases components and theirs. Their work folders and the logs stay,
   * and what waits for the cloud.
   */
  void forgetComponents() {
    Path config = root.resolve("config");
    // the identity first: a core that starts after a cut knows nothing, rather than something old
    DurableFiles.delete(config.resolve("config.yaml.good"));
    DurableFiles.delete(config.resolve("config.yaml"));
    for (String name : new String[] {"generations", "deployments", "packages", "provisioning"}) {
      DurableFiles.deleteTree(root.resolve(name));
    }
    DurableFiles.createDirectories(root.resolve("packages"));
  }

  /** Fingerprint of the certificate that a configuration names, which is its id in the cloud. */
  Optional<String> certificateId(CoreConfiguration config) {
    Path certificate = root.resolve(config.systemFile("certificateFilePath"));
    for (String key : new String[] {"privateKeyPath", "rootCaPath"}) {
      if (!Files.isRegularFile(root.resolve(config.systemFile(key)))) {
        return Optional.empty();
      }
    }
    try (InputStream in = Files.newInputStream(certificate)) {
      X509Certificate read =
          (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
      return Optional.of(
          HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(read.getEncoded())));
    } catch (IOException | GeneralSecurityException e) {
      return Optional.empty();
    }
  }

  /**
   * Puts a provisioning plugin where the core looks for it (INS-30, PRV-20).
   *
   * @return what there is to say about it
   */
  String addPlugin(Path plugin) {
    if (!Files.isRegularFile(plugin)) {
      throw new CliException(
          "the plugin " + plugin + " is no file; name one with --trusted-plugin");
    }
    String name = String.valueOf(plugin.getFileName());
    if (name.toLowerCase(java.util.Locale.ROOT)
        .matches("(aws\\.greengrass\\.)?fleetprovisioningbyclaim.*\\.jar")) {
      return "provisioning by claim is part of this core; "
          + name
          + " is not needed and not copied. Its parameters count:"
          + " services.aws.greengrass.FleetProvisioningByClaim.configuration";
    }
    boolean jar = name.endsWith(".jar");
    if (jar && mainClass(plugin).isEmpty()) {
      throw new CliException(
          plugin
              + " has no main class; a provisioning plugin is a program of its own here (a jar with"
              + " Main-Class, or an executable file) that prints its result, see"
              + " docs/install.md, because nobody's code is loaded into the core");
    }
    if (!jar && !Files.isExecutable(plugin)) {
      throw new CliException(plugin + " is neither a jar nor executable; chmod +x it");
    }
    Path folder = root.resolve("plugins/trusted");
    DurableFiles.createDirectories(folder);
    try {
      DurableFiles.writeAtomically(
          folder.resolve(name),
          Files.readAllBytes(plugin),
          PosixFilePermissions.fromString(jar ? "rw-r--r--" : "rwxr-xr-x"));
    } catch (IOException e) {
      throw new CliException("cannot read the plugin " + plugin + ": " + e.getMessage());
    }
    return "plugin " + name + " provisions this core when it starts without identity";
  }

  private static Optional<String> mainClass(Path jar) {
    try (JarFile file = new JarFile(jar.toFile())) {
      Manifest manifest = file.getManifest();
      return manifest == null
          ? Optional.empty()
          : Optional.ofNullable(manifest.getMainAttributes().getValue(Attributes.Name.MAIN_CLASS));
    } catch (IOException e) {
      throw new CliException(jar + " is no jar: " + e.getMessage());
    }
  }

  /** INS-16: components of another user must be able to reach their folders. */
  void letComponentsThrough(String user) {
    if (user.isEmpty()) {
      return;
    }
    try {
      if (!Files.getPosixFilePermissions(root, LinkOption.NOFOLLOW_LINKS)
          .contains(PosixFilePermission.OTHERS_EXECUTE)) {
        Files.setPosixFilePermissions(root, OPEN);
      }
      for (Path p = root.getParent(); p != null; p = p.getParent()) {
        if (!Files.getPosixFilePermissions(p).contains(PosixFilePermission.OTHERS_EXECUTE)) {
          System.err.println(
              "ryegrass install: "
                  + p
                  + " cannot be entered by others, so components of "
                  + user
                  + " may not reach their files: chmod o+x "
                  + p);
        }
      }
    } catch (IOException e) {
      throw new CliException("the rights of " + root + " cannot be set: " + e.getMessage());
    }
  }
}
