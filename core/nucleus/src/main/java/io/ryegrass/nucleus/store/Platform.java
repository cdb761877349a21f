package io.ryegrass.nucleus.store;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** The device's attributes that recipes are matched against (v2-recipes-config.md section 2). */
public final class Platform {
  private Platform() {}

  /** Detected attributes with the configured ones over them. */
  public static Map<String, String> attributes(Map<String, String> override) {
    Map<String, String> found = new LinkedHashMap<>();
    found.put("os", os());
    String architecture = architecture(System.getProperty("os.arch", ""));
    found.put("architecture", architecture);
    found.putAll(override);
    return found;
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
