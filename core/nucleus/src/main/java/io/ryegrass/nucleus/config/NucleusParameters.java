package io.ryegrass.nucleus.config;

import io.ryegrass.model.JsonPointers;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Every parameter of {@code aws.greengrass.Nucleus} that the reference names (v2-recipes-config.md
 * section 7, catalogue NUC-12 … NUC-20), and our own: what it may be, when it counts, and what this
 * core says to one that it cannot honour. None is ignored in silence.
 */
public final class NucleusParameters {
  /** When a parameter counts. */
  public enum Effect {
    /** At once. */
    AT_ONCE("at once"),
    /** When the core's process starts; a deployment that changes it restarts the core (NUC-21). */
    AT_START("at the next start, which the deployment makes"),
    /** Read from config.yaml only; another value in a deployment is refused. */
    IDENTITY("from config.yaml only; a deployment that changes it is refused"),
    /** Nothing to do here; the reason says why. */
    NOT_NEEDED("accepted; there is nothing to do"),
    /** Not honoured; accepted, and told in the log at each deployment and start. */
    TOLD("not honoured; the log says so"),
    /** Not honoured; a deployment that sets it is refused. */
    REFUSED("a deployment that sets it is refused");

    private final String words;

    Effect(String words) {
      this.words = words;
    }
  }

  /** What a value may be. */
  private enum Kind {
    TEXT,
    BOOLEAN,
    NUMBER,
    WORD,
    TEXTS
  }

  /**
   * One parameter.
   *
   * @param path below the nucleus' configuration
   * @param unset what counts without it
   * @param words the allowed words of a WORD
   * @param reason for people: why it is not honoured or not needed, or what else to know
   */
  public record Parameter(
      List<String> path,
      String unset,
      Effect effect,
      String reason,
      String kind,
      double least,
      double most,
      List<String> words) {
    /** The path with dots. */
    public String name() {
      return String.join(".", path);
    }
  }

  private static final List<Parameter> ALL = new ArrayList<>();

  private NucleusParameters() {}

  static {
    text("awsRegion", "", Effect.IDENTITY, "");
    text("iotRoleAlias", "", Effect.IDENTITY, "");
    text("iotDataEndpoint", "", Effect.IDENTITY, "");
    text("iotCredEndpoint", "", Effect.IDENTITY, "");
    text("greengrassDataPlaneEndpoint", "", Effect.AT_START, "empty or `iotdata`: iotDataEndpoint");
    number("greengrassDataPlanePort", "8443", 1, 65535, Effect.AT_START, "");
    bool("interpolateComponentConfiguration", "false", Effect.AT_ONCE, "");
    word(
        "deploymentConfigurationTimeSource",
        Effect.AT_ONCE,
        "",
        "deploymentCreationTime",
        "deploymentProcessingTime");
    number(
        "deploymentPollingFrequencySeconds",
        "15",
        0,
        1e9,
        Effect.NOT_NEEDED,
        "deployments begin when they arrive, nothing polls");
    number("componentStoreMaxSizeBytes", "10000000000", 1, 1e18, Effect.AT_ONCE, "");
    number(
        "credentialEndpointTimeoutMs",
        "60000",
        1,
        1e9,
        Effect.AT_START,
        "for one answer; 100 ms to an hour");
    bool("fipsMode", "false", Effect.REFUSED, "this core has no FIPS-validated cryptography");
    word(
        "s3EndpointType",
        Effect.AT_START,
        "GLOBAL is the host without a Region in us-east-1",
        "GLOBAL",
        "REGIONAL",
        "DUALSTACK");
    text("envStage", "prod", Effect.NOT_NEEDED, "it names test stages of AWS's own service");
    text("jvmOptions", "", Effect.AT_START, "");
    texts("platformOverride", Effect.AT_ONCE, "");
    text(
        "runWithDefault.posixUser",
        "ggc_user:ggc_group",
        Effect.AT_ONCE,
        "as root where that user exists; without any, components are not run (NUC-05)");
    text("runWithDefault.posixShell", "sh", Effect.AT_ONCE, "");
    text("runWithDefault.windowsUser", "", Effect.NOT_NEEDED, "it is for devices with Windows");
    number("runWithDefault.systemResourceLimits.cpus", "none", 0, 1e6, Effect.AT_ONCE, "");
    number(
        "runWithDefault.systemResourceLimits.cpu", "none", 0, 1e6, Effect.AT_ONCE, "same as cpus");
    number(
        "runWithDefault.systemResourceLimits.memory", "none", 0, 1e15, Effect.AT_ONCE, "kilobytes");
    text(
        "networkProxy.noProxyAddresses",
        "",
        Effect.AT_START,
        "MQTT and HTTPS of the core itself, and components started from now on (PXY-03)");
    for (String key : new String[] {"url", "username", "password"}) {
      text(
          "networkProxy.proxy." + key,
          "",
          Effect.AT_START,
          "MQTT and HTTPS of the core itself, and components started from now on (PXY-03)");
    }
    number(
        "httpClient.connectionTimeoutMs",
        "2000",
        1,
        1e9,
        Effect.AT_START,
        "until the TCP connection stands; 100 ms to an hour");
    number(
        "httpClient.socketTimeoutMs",
        "30000",
        1,
        1e9,
        Effect.AT_START,
        "for an answer, and for the next part of a download; 100 ms to an hour");
    String logs = "of components and of the core's own log";
    word("logging.level", Effect.AT_ONCE, logs, "INFO", "DEBUG", "WARN", "ERROR");
    word("logging.format", Effect.AT_ONCE, logs, "TEXT", "JSON");
    word("logging.outputType", Effect.AT_ONCE, logs, "FILE", "CONSOLE");
    number("logging.fileSizeKB", "1024", 1, 1e6, Effect.AT_ONCE, logs + "; at least 16");
    number("logging.totalLogsSizeKB", "10240", 1, 1e7, Effect.AT_ONCE, logs + "; at least 16");
    text("logging.outputDirectory", "<root>/logs", Effect.AT_ONCE, logs);
    number(
        "fleetStatus.periodicStatusPublishIntervalSeconds",
        "86400",
        0,
        1e9,
        Effect.AT_START,
        "raised to 86400 (NUC-18)");
    bool("telemetry.enabled", "true", Effect.AT_ONCE, "what waits is forgotten when it is false");
    for (String key :
        new String[] {
          "periodicAggregateMetricsIntervalSeconds", "periodicPublishMetricsIntervalSeconds"
        }) {
      number(
          "telemetry." + key,
          key.contains("Publish") ? "86400" : "3600",
          0,
          1e9,
          Effect.AT_ONCE,
          "less than that counts as that (TEL-01)");
    }
    mqtt();
    own();
  }

  private static void mqtt() {
    number(
        "mqtt.port",
        "8883",
        1,
        65535,
        Effect.AT_START,
        "443: TLS says x-amzn-mqtt-ca (ALPN, PXY-01)");
    word("mqtt.version", Effect.AT_START, "mqtt3 is MQTT 3.1.1", "mqtt5", "mqtt3");
    number(
        "mqtt.keepAliveTimeoutMs",
        "60000",
        0,
        1.2e6,
        Effect.AT_START,
        "30 s at least; 0 asks for the longest, 1200 s");
    number(
        "mqtt.pingTimeoutMs",
        "30000",
        1,
        1e9,
        Effect.AT_START,
        "1 s at least, at most the keep-alive");
    number("mqtt.operationTimeoutMs", "30000", 1, 1e9, Effect.AT_START, "1 s to 300 s");
    number(
        "mqtt.socketTimeoutMs",
        "3000",
        1,
        1e9,
        Effect.AT_START,
        "until the TCP connection stands; 100 ms to 300 s");
    number("mqtt.threadPoolSize", "1", 1, 1e6, Effect.NOT_NEEDED, "no pool of threads is used");
    number("mqtt.maxInFlightPublishes", "20", 1, 100, Effect.AT_START, "5 in AWS's nucleus");
    number(
        "mqtt.maxMessageSizeInBytes",
        "131072",
        1,
        268435456,
        Effect.AT_START,
        "of payloads to the cloud; those from there may always have 128 KiB");
    number(
        "mqtt.maxPublishRetry",
        "100",
        -1,
        1e9,
        Effect.AT_START,
        "then a message is set aside in spool/quarantine; -1 tries without end");
    number("mqtt.sessionExpirySeconds", "604800", 0, 4294967295d, Effect.AT_START, "of MQTT 5");
    number("mqtt.receiveMaximum", "100", 1, 65535, Effect.AT_START, "of MQTT 5");
    number(
        "mqtt.minimumReconnectDelaySeconds",
        "0.125",
        0,
        86400,
        Effect.AT_START,
        "1 in AWS's nucleus; longer with each failure, with jitter");
    number(
        "mqtt.maximumReconnectDelaySeconds",
        "30",
        0,
        86400,
        Effect.AT_START,
        "120 in AWS's nucleus");
    number(
        "mqtt.minimumConnectedTimeBeforeRetryResetSeconds",
        "10",
        0,
        86400,
        Effect.AT_START,
        "30 in AWS's nucleus");
    number("mqtt.standaloneMqttTimeoutMs", "60000", 1, 1e9, Effect.TOLD, "no endpoint switch");
    number(
        "mqtt.spooler.maxSizeInBytes",
        "67108864",
        1,
        1e18,
        Effect.AT_START,
        "on disk, so more than AWS's 2621440; 1 MiB at least");
    bool("mqtt.spooler.keepQos0WhenOffline", "false", Effect.AT_START, "");
    word(
        "mqtt.spooler.storageType",
        Effect.NOT_NEEDED,
        "the spool is always on disk (LESSON-10)",
        "Memory",
        "Disk");
    text(
        "mqtt.spooler.pluginName",
        "aws.greengrass.DiskSpooler",
        Effect.NOT_NEEDED,
        "the spool is part of the core");
  }

  private static void own() {
    text("ryegrass.s3Endpoint", "", Effect.AT_START, "ours: an S3-compatible store");
    text("ryegrass.apiEndpoint", "", Effect.AT_START, "ours: where the AWS APIs of the cloud are");
    text(
        "ryegrass.secretsPrivateKeyPath",
        "",
        Effect.AT_START,
        "ours: private key that protects secrets, when it is not the core's");
    number("ryegrass.localMqttPort", "8883", 0, 65535, Effect.AT_START, "ours: local broker");
    text("ryegrass.localMqttHost", "127.0.0.1", Effect.AT_START, "ours: local broker");
    number("ryegrass.lambdaIpcPort", "8000", 0, 65535, Effect.AT_START, "ours: V1 functions");
    number(
        "ryegrass.fleetKeepAliveSeconds",
        "60",
        0,
        86400,
        Effect.AT_START,
        "ours: 0 switches it off");
  }

  private static void text(String name, String unset, Effect effect, String reason) {
    add(name, unset, effect, reason, Kind.TEXT, 0, 0, List.of());
  }

  private static void texts(String name, Effect effect, String reason) {
    add(name, "{}", effect, reason, Kind.TEXTS, 0, 0, List.of());
  }

  private static void bool(String name, String unset, Effect effect, String reason) {
    add(name, unset, effect, reason, Kind.BOOLEAN, 0, 0, List.of("true", "false"));
  }

  private static void number(
      String name, String unset, double least, double most, Effect effect, String reason) {
    add(name, unset, effect, reason, Kind.NUMBER, least, most, List.of());
  }

  /** The first word is the one that counts without the parameter. */
  private static void word(String name, Effect effect, String reason, String... words) {
    add(name, words[0], effect, reason, Kind.WORD, 0, 0, List.of(words));
  }

  private static void add(
      String name,
      String unset,
      Effect effect,
      String reason,
      Kind kind,
      double least,
      double most,
      List<String> words) {
    ALL.add(
        new Parameter(
            List.of(name.split("\\.")),
            unset,
            effect,
            reason,
            kind.name().toLowerCase(Locale.ROOT),
            least,
            most,
            words));
  }

  /** All parameters, in the reference's order. */
  public static List<Parameter> all() {
    return List.copyOf(ALL);
  }

  /**
   * Why a deployment must not change the nucleus' configuration in this way; empty when it may.
   *
   * @param before effective configuration now; what was there before is not judged again
   * @param after effective configuration after the deployment, with the identity's keys as the
   *     deployment wants them
   */
  public static List<String> refusals(ObjectNode before, ObjectNode after) {
    List<String> found = new ArrayList<>();
    for (Parameter p : ALL) {
      JsonNode now = JsonPointers.get(after, p.path());
      if (now == null || now.isNull() || Objects.equals(now, JsonPointers.get(before, p.path()))) {
        continue;
      }
      String wrong = wrong(p, now);
      if (wrong != null) {
        found.add(p.name() + " is " + shown(p, now) + "; " + wrong + ".");
      } else if (p.effect() == Effect.IDENTITY) {
        found.add(
            p.name()
                + " says which cloud this core belongs to and is read from config.yaml only; leave"
                + " it out, or provision the core again.");
      } else if (p.effect() == Effect.REFUSED && !unset(p, now)) {
        found.add(p.name() + " cannot be " + shown(p, now) + ": " + p.reason() + ".");
      }
    }
    return found;
  }

  /** What is set and not honoured, or set to what it cannot be, one sentence each. */
  public static List<String> remarks(ObjectNode effective) {
    List<String> found = new ArrayList<>();
    for (Parameter p : ALL) {
      JsonNode now = JsonPointers.get(effective, p.path());
      if (now == null || now.isNull()) {
        continue;
      }
      String wrong = wrong(p, now);
      if (wrong != null) {
        found.add(p.name() + " is " + shown(p, now) + " and does not count; " + wrong + ".");
      } else if ((p.effect() == Effect.TOLD || p.effect() == Effect.REFUSED) && !unset(p, now)) {
        found.add(p.name() + " is not honoured by this core: " + p.reason() + ".");
      }
    }
    return found;
  }

  private static boolean unset(Parameter p, JsonNode value) {
    return value.asString("").equalsIgnoreCase(p.unset());
  }

  /** Never a secret. */
  private static String shown(Parameter p, JsonNode value) {
    return p.name().startsWith("networkProxy") ? "not valid" : value.toString();
  }

  private static @Nullable String wrong(Parameter p, JsonNode value) {
    return switch (Kind.valueOf(p.kind().toUpperCase(Locale.ROOT))) {
      case TEXT -> value.isContainer() ? "write a text" : null;
      case TEXTS ->
          value.isObject() && value.valueStream().noneMatch(JsonNode::isContainer)
              ? null
              : "write a map of texts";
      case BOOLEAN, WORD ->
          p.words().stream().anyMatch(w -> w.equalsIgnoreCase(value.asString("")))
              ? null
              : "write one of " + String.join(", ", p.words());
      case NUMBER ->
          between(p, value)
              ? null
              : "write a number from " + number(p.least()) + " to " + number(p.most());
    };
  }

  private static boolean between(Parameter p, JsonNode value) {
    try {
      double read = Double.parseDouble(value.asString(""));
      return read >= p.least() && read <= p.most();
    } catch (NumberFormatException e) {
      return false;
    }
  }

  private static String number(double n) {
    return java.math.BigDecimal.valueOf(n).stripTrailingZeros().toPlainString();
  }

  /** The table for {@code docs/reference/nucleus-parameters.md}. */
  public static String toMarkdown() {
    StringBuilder out = new StringBuilder();
    out.append("# Parameters of the nucleus\n\n");
    out.append("Generated from `NucleusParameters` (core/nucleus); do not edit.\n\n");
    out.append(
        "The configuration of `aws.greengrass.Nucleus`: `config/config.yaml` with what deployments"
            + " merge over it. A deployment with a value\nthat a parameter cannot have fails with"
            + " `COMPONENT_CONFIGURATION_NOT_VALID` and the reason; such a value in the file does"
            + " not count, and the\nlog says so. `config explain` tells where each value comes"
            + " from.\n\n");
    out.append("| Parameter | Without it | May be | Counts | |\n| --- | --- | --- | --- | --- |\n");
    for (Parameter p : ALL) {
      String range =
          switch (p.kind()) {
            case "number" -> number(p.least()) + " to " + number(p.most());
            case "word", "boolean" -> String.join(", ", p.words());
            case "texts" -> "map of texts";
            default -> "text";
          };
      out.append("| ")
          .append(p.name())
          .append(" | ")
          .append(p.unset().isEmpty() ? "–" : p.unset().replace("<", "&lt;"))
          .append(" | ")
          .append(range)
          .append(" | ")
          .append(p.effect().words)
          .append(" | ")
          .append(p.reason())
          .append(" |\n");
    }
    return out.toString();
  }
}
