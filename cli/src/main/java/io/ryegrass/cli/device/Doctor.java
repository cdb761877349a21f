package io.ryegrass.cli.device;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** Examines a root folder, and with it the way to the cloud and the core that runs there. */
final class Doctor {
  private static final long LEAST_DISK = 20L << 20;
  private static final long LITTLE_DISK = 200L << 20;
  private static final Duration EXPIRES_SOON = Duration.ofDays(30);
  private static final Duration SKEW = Duration.ofMinutes(5);

  /** Before this nobody built this program; such a clock was never set. */
  private static final Instant NEVER_SET = Instant.parse("2025-01-01T00:00:00Z");

  /** How a check went. */
  enum Status {
    OK,
    WARN,
    FAIL,
    SKIP
  }

  /** What was found, and what to do; the remedy is empty when all is well. */
  record Finding(String check, Status status, String finding, String remedy) {}

  private final Path root;
  private final boolean network;
  private final List<Finding> findings = new ArrayList<>();

  Doctor(Path root, boolean network) {
    this.root = root;
    this.network = network;
  }

  List<Finding> examine() {
    rootFolder();
    disk();
    JsonNode config = configuration();
    JsonNode system = config.path("system");
    JsonNode nucleus = config.at("/services/aws.greengrass.Nucleus/configuration");
    user(nucleus);
    if (system.path("certificateFilePath").asString("").isEmpty()) {
      add(Status.SKIP, "identity", "none: this core lives without a cloud", "");
    } else {
      identity(system, nucleus);
    }
    core();
    return findings;
  }

  private void add(Status status, String check, String finding, String remedy) {
    findings.add(new Finding(check, status, finding, remedy));
  }

  private void rootFolder() {
    Path closed = null;
    for (Path folder = root; folder != null; folder = folder.getParent()) {
      try {
        if (!Files.getPosixFilePermissions(folder).contains(PosixFilePermission.OTHERS_EXECUTE)) {
          closed = folder;
        }
      } catch (IOException | UnsupportedOperationException e) {
        add(Status.WARN, "root folder", "cannot look at " + folder, "run this as the core's user");
        return;
      }
    }
    if (closed != null) {
      add(
          Status.WARN,
          "root folder",
          closed + " keeps other users out, so components that run as another user find nothing",
          "chmod o+x " + closed);
    } else {
      add(Status.OK, "root folder", root.toString(), "");
    }
  }

  private void disk() {
    try {
      long free = Files.getFileStore(root).getUsableSpace();
      String text = (free >> 20) + " MB free";
      if (free < LEAST_DISK) {
        add(
            Status.FAIL,
            "disk",
            text + "; deployments need at least " + (LEAST_DISK >> 20) + " MB",
            "make room in the file system of " + root);
      } else if (free < LITTLE_DISK) {
        add(Status.WARN, "disk", text, "make room in the file system of " + root);
      } else {
        add(Status.OK, "disk", text, "");
      }
    } catch (IOException e) {
      add(Status.FAIL, "disk", "cannot look at " + root + ": " + e, "check the file system");
    }
  }

  private JsonNode configuration() {
    Path file = root.resolve("config/config.yaml");
    if (Files.notExists(file)) {
      add(Status.OK, "configuration", "no config/config.yaml", "");
      return CoreAccess.empty();
    }
    try {
      JsonNode config = YAMLMapper.shared().readTree(Files.readString(file));
      add(Status.OK, "configuration", file.toString(), "");
      return config;
    } catch (IOException e) {
      add(
          Status.FAIL,
          "configuration",
          "cannot read " + file + " (" + e.getClass().getSimpleName() + ")",
          "run this as the core's user, or correct the file's permissions");
    } catch (JacksonException e) {
      add(
          Status.FAIL,
          "configuration",
          file + " is not valid YAML: " + e.getOriginalMessage(),
          "correct the file, or restore the copy that the core keeps beside it");
    }
    return CoreAccess.empty();
  }

  private void user(JsonNode nucleus) {
    String user = nucleus.at("/runWithDefault/posixUser").asString("");
    if (user.isEmpty()) {
      return;
    }
    String name = user.contains(":") ? user.substring(0, user.indexOf(':')) : user;
    try {
      boolean known =
          name.matches("\\d+")
              || Files.readAllLines(Path.of("/etc/passwd")).stream()
                  .anyMatch(line -> line.startsWith(name + ":"));
      add(
          known ? Status.OK : Status.FAIL,
          "component user",
          known ? user : "this host has no user " + name,
          known ? "" : "useradd --system " + name + ", or change runWithDefault.posixUser");
    } catch (IOException e) {
      add(Status.SKIP, "component user", "cannot read /etc/passwd", "");
    }
  }

  private void identity(JsonNode system, JsonNode nucleus) {
    Path certificateFile = path(system, "certificateFilePath");
    Path keyFile = path(system, "privateKeyPath");
    Path authorityFile = path(system, "rootCaPath");
    List<X509Certificate> own = certificates("certificate", certificateFile);
    List<X509Certificate> authorities = certificates("root CA", authorityFile);
    PrivateKey key = key(keyFile);
    clock(own.isEmpty() ? null : own.getFirst());
    if (!own.isEmpty() && key != null) {
      boolean fits = Identity.match(own.getFirst(), key);
      add(
          fits ? Status.OK : Status.FAIL,
          "key match",
          fits ? "the key is the certificate's" : keyFile + " is not the key of " + certificateFile,
          fits ? "" : "put the key and certificate of one identity there, or provision again");
    }
    if (!own.isEmpty() && !authorities.isEmpty()) {
      chain(own, authorities);
    }
    if (!network) {
      add(Status.SKIP, "network", "left out (--offline)", "");
      return;
    }
    String proxy = nucleus.at("/networkProxy/proxy/url").asString("");
    NetworkChecks checks = new NetworkChecks(own, key, authorities, proxy);
    if (!proxy.isEmpty()) {
      findings.add(checks.proxy());
    }
    endpoints(nucleus)
        .forEach(
            (name, address) -> findings.addAll(checks.endpoint(name, address.host, address.port)));
    Instant cloud = checks.cloudTime();
    if (cloud != null) {
      Duration skew = Duration.between(cloud, Instant.now()).abs();
      boolean good = skew.compareTo(SKEW) < 0;
      add(
          good ? Status.OK : Status.FAIL,
          "clock skew",
          skew.toSeconds() + " s from the cloud's clock",
          good ? "" : "set the clock (timedatectl set-ntp true): credentials and TLS depend on it");
    }
  }

  private record Address(String host, int port) {}

  private static Map<String, Address> endpoints(JsonNode nucleus) {
    Map<String, Address> found = new LinkedHashMap<>();
    String data = nucleus.path("iotDataEndpoint").asString("");
    String credentials = nucleus.path("iotCredEndpoint").asString("");
    int mqtt = nucleus.at("/mqtt/port").asInt(8883);
    if (!data.isEmpty()) {
      found.put("MQTT endpoint", new Address(host(data), mqtt));
    }
    if (!credentials.isEmpty()) {
      found.put("credential endpoint", new Address(host(credentials), port(credentials, 443)));
    }
    String plane = nucleus.path("greengrassDataPlaneEndpoint").asString("");
    if (!plane.isEmpty() || !data.isEmpty()) {
      found.put(
          "data plane",
          new Address(
              host(plane.isEmpty() || plane.equals("iotdata") ? data : plane),
              nucleus.path("greengrassDataPlanePort").asInt(8443)));
    }
    return found;
  }

  private static String host(String address) {
    String bare = address.replaceFirst("^[a-z]+://", "");
    return bare.contains(":") ? bare.substring(0, bare.indexOf(':')) : bare;
  }

  private static int port(String address, int otherwise) {
    String bare = address.replaceFirst("^[a-z]+://", "");
    int colon = bare.indexOf(':');
    return colon > 0 && bare.substring(colon + 1).matches("\\d{1,5}")
        ? Integer.parseInt(bare.substring(colon + 1))
        : otherwise;
  }

  private Path path(JsonNode system, String key) {
    String text = system.path(key).asString("").replaceFirst("^file://", "");
    return root.resolve(text);
  }

  private List<X509Certificate> certificates(String check, Path file) {
    try {
      List<X509Certificate> found = Identity.certificates(file);
      if (found.isEmpty()) {
        throw new GeneralSecurityException("no certificate in it");
      }
      X509Certificate first = found.getFirst();
      Instant until = first.getNotAfter().toInstant();
      Instant now = Instant.now();
      if (now.isAfter(until)) {
        add(
            Status.FAIL,
            check,
            file + " expired " + until,
            "provision a new certificate; a wrong clock looks the same");
      } else if (now.plus(EXPIRES_SOON).isAfter(until)) {
        add(Status.WARN, check, file + " expires " + until, "rotate it before that day");
      } else {
        add(Status.OK, check, first.getSubjectX500Principal() + ", until " + until, "");
      }
      return found;
    } catch (IOException e) {
      add(
          Status.FAIL,
          check,
          "cannot read " + file + " (" + e.getClass().getSimpleName() + ")",
          "put the file there, correct config/config.yaml, or run this as the core's user");
    } catch (GeneralSecurityException e) {
      add(
          Status.FAIL,
          check,
          file + " is no certificate in PEM: " + e.getMessage(),
          "restore the file from where the core was provisioned");
    }
    return List.of();
  }

  private @Nullable PrivateKey key(Path file) {
    try {
      PrivateKey key = Identity.key(file);
      Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file);
      boolean open =
          permissions.contains(PosixFilePermission.GROUP_READ)
              || permissions.contains(PosixFilePermission.OTHERS_READ);
      add(
          open ? Status.WARN : Status.OK,
          "private key",
          open ? "others may read " + file : file.toString(),
          open ? "chmod 600 " + file : "");
      return key;
    } catch (IOException e) {
      add(
          Status.FAIL,
          "private key",
          "cannot read " + file + " (" + e.getClass().getSimpleName() + ")",
          "put the file there, correct config/config.yaml, or run this as the core's user");
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      add(
          Status.FAIL,
          "private key",
          file + " is not usable: " + e.getMessage(),
          "restore the file from where the core was provisioned");
    }
    return null;
  }

  private void clock(@Nullable X509Certificate certificate) {
    Instant now = Instant.now();
    String remedy = "set the clock, for example with timedatectl set-ntp true";
    if (now.isBefore(NEVER_SET)) {
      add(Status.FAIL, "clock", "it says " + now + ": it was never set", remedy);
    } else if (certificate != null && now.isBefore(certificate.getNotBefore().toInstant())) {
      add(
          Status.FAIL,
          "clock",
          "it says "
              + now
              + ", before the certificate was made ("
              + certificate.getNotBefore()
              + ")",
          remedy);
    } else {
      add(Status.OK, "clock", now.toString(), "");
    }
  }

  /** A certificate that our own cloud made is signed by the root CA; one of AWS's cloud is not. */
  private void chain(List<X509Certificate> own, List<X509Certificate> authorities) {
    X509Certificate leaf = own.getLast();
    for (X509Certificate authority : authorities) {
      if (leaf.getIssuerX500Principal().equals(authority.getSubjectX500Principal())) {
        try {
          leaf.verify(authority.getPublicKey());
          add(Status.OK, "certificate chain", "signed by the root CA", "");
        } catch (GeneralSecurityException e) {
          add(
              Status.FAIL,
              "certificate chain",
              "the root CA has the issuer's name, but did not sign the certificate",
              "the cloud was set up anew; provision this core again");
        }
        return;
      }
    }
    add(
        Status.OK,
        "certificate chain",
        "issued by " + leaf.getIssuerX500Principal() + ", which only the cloud can verify",
        "");
  }

  private void core() {
    JsonNode components;
    try {
      components =
          new CoreAccess(root, List::of)
              .call("ListComponents", CoreAccess.empty())
              .path("components");
    } catch (RuntimeException e) {
      add(
          Status.FAIL,
          "core",
          String.valueOf(e.getMessage()),
          "start it with ./ryegrass core --root " + root);
      return;
    }
    List<String> bad = new ArrayList<>();
    for (JsonNode component : components) {
      String state = component.path("state").asString("");
      if (state.equals("BROKEN") || state.equals("ERRORED")) {
        bad.add(component.path("componentName").asString("") + " is " + state);
      }
    }
    add(
        bad.isEmpty() ? Status.OK : Status.WARN,
        "core",
        bad.isEmpty() ? "runs, " + components.size() + " components" : String.join(", ", bad),
        bad.isEmpty()
            ? ""
            : "look at 'logs get --log-file "
                + root.resolve("logs")
                + "/<component>.log', then 'component restart'");
  }
}
