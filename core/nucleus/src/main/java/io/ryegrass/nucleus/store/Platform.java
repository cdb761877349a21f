package io.ryegrass.nucleus.store;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The device's attributes that recipes are matched against (v2-recipes-config.md section 2). */
public final class Platform {
  private static final Logger LOG = LoggerFactory.getLogger(Platform.class);
  private static final Set<String> DETAILS =
      Set.of("armv6l", "armv7l", "armv8l", "armv6b", "armv7b", "armv8b");
  private static volatile @Nullable String machine;

  private Platform() {}

  /** Detected attributes with the configured ones over them. */
  public static Map<String, String> attributes(Map<String, String> override) {
    Map<String, String> found = new LinkedHashMap<>();
    found.put("os", os());
    String architecture = architecture(System.getProperty("os.arch", ""));
    found.put("architecture", architecture);
    if (architecture.equals("arm") || architecture.equals("aarch64")) {
      String detail = machine();
      if (DETAILS.contains(detail)) {
        found.put("architecture.detail", detail);
      }
    }
    found.putAll(override);
    return found;
  }

  /** What {@code uname -m} says; empty when that program is missing. Asked once. */
  private static String machine() {
    String known = machine;
    if (known == null) {
      known = "";
      try {
        Process p =
            new ProcessBuilder("uname", "-m")
                .redirectErrorStream(true)
                .redirectInput(ProcessBuilder.Redirect.from(new java.io.File("/dev/null")))
                .start();
        if (p.waitFor(5, TimeUnit.SECONDS)) {
          known = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        } else {
          p.destroyForcibly();
        }
      } catch (IOException e) {
        LOG.warn("The architecture's detail is unknown: {}", e.getMessage());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      machine = known;
    }
    return known;
  }

  private static String os() {
    String name = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    if (name.contains("windows")) {
      return "windows";
    }
    if (name.contains("mac os")) {
      return "darwin";
    }
    return Files.isDirectory(Path.of("/proc")) ? "linux" : "unknown";
  }

  static String architecture(String jvmName) {
    return switch (jvmName.toLowerCase(Locale.ROOT)) {
      case "amd64", "x86_64" -> "amd64";
      case "x86", "i386", "i686" -> "x86";
      case "aarch64" -> "aarch64";
      default -> jvmName.contains("arm") ? "arm" : "unknown";
    };
  }
}
