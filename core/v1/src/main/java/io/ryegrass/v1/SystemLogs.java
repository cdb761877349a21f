package io.ryegrass.v1;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.Level;

/**
 * The core's own log as V1 has it: {@code system/runtime.log}, and files of their own for what V1
 * called system components (LOG-04).
 */
public final class SystemLogs {
  private static final String RUNTIME = "runtime";

  /** Beginnings of loggers' names; of several that fit, the longest counts. */
  private static final Map<String, String> FILES =
      Map.ofEntries(
          Map.entry("io.ryegrass.cloudlink.Spool", "GGCloudSpooler"),
          Map.entry("io.ryegrass.cloudlink.UserConnection", "GGCloudSpooler"),
          Map.entry("io.ryegrass.cloudlink.TokenExchangeService", "GGTES"),
          Map.entry("io.ryegrass.cloudlink.RoleCredentials", "GGTES"),
          Map.entry("aws.greengrass.TokenExchangeService", "GGTES"),
          Map.entry("io.ryegrass.clientdevices", "GGConnManager"),
          Map.entry("io.ryegrass.mqtt", "GGConnManager"),
          Map.entry("aws.greengrass.clientdevices.mqtt.Moquette", "GGConnManager"),
          Map.entry("aws.greengrass.clientdevices.Auth", "GGConnManager"),
          Map.entry("io.ryegrass.clientdevices.Server", "GGDeviceCertificateManager"),
          Map.entry("io.ryegrass.v1.CopiedCertificates", "GGDeviceCertificateManager"),
          Map.entry("aws.greengrass.clientdevices.IPDetector", "GGIPDetector"),
          Map.entry("io.ryegrass.shadows", "GGShadowService"),
          Map.entry("io.ryegrass.shadows.ShadowSync", "GGShadowSyncManager"),
          Map.entry("aws.greengrass.ShadowManager", "GGShadowService"),
          Map.entry("io.ryegrass.secretmanager", "GGSecretManager"),
          Map.entry("aws.greengrass.SecretManager", "GGSecretManager"),
          Map.entry("io.ryegrass.streammanager", "GGStreamManager"),
          Map.entry("aws.greengrass.StreamManager", "GGStreamManager"));

  private final V1LogFiles files;
  private final V1Loggers loggers;

  SystemLogs(V1LogFiles files, V1Loggers loggers) {
    this.files = files;
    this.loggers = loggers;
  }

  /**
   * Whether a line would be written.
   *
   * @param ours false for libraries of others, which are heard from INFO on
   */
  public boolean takes(Level level, boolean ours) {
    return (ours || level.toInt() >= Level.INFO.toInt()) && loggers.system().takes(level.name());
  }

  /**
   * Writes a line, and what caused it below.
   *
   * @param logger its whole name
   */
  public void write(Level level, String logger, String message, @Nullable Throwable cause) {
    if (!loggers.system().takes(level.name())) {
      return;
    }
    StringBuilder line = new StringBuilder();
    line.append('[').append(level).append("]-").append(message);
    if (cause != null) {
      StringWriter stack = new StringWriter();
      cause.printStackTrace(new PrintWriter(stack, true));
      line.append('\n').append(stack.toString().stripTrailing());
    }
    files.append(Path.of("system", fileOf(logger)), loggers.system(), line.toString());
  }

  /** Where to look first. */
  public Path file() {
    return files.folder().resolve("system").resolve(RUNTIME + ".log");
  }

  static String fileOf(String logger) {
    String best = "";
    for (String begin : FILES.keySet()) {
      if (begin.length() > best.length() && logger.startsWith(begin)) {
        best = begin;
      }
    }
    return best.isEmpty() ? RUNTIME : FILES.getOrDefault(best, RUNTIME);
  }
}
