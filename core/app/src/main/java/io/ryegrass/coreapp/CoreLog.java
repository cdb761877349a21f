package io.ryegrass.coreapp;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.tinylog.configuration.Configuration;

/**
 * Where the log goes: everything from INFO to {@code <root>/logs/greengrass.log}, in files of 1 MiB
 * of which ten are kept (v2-recipes-config.md section 7: fileSizeKB, totalLogsSizeKB); WARN and
 * above also to standard error.
 */
final class CoreLog {
  private CoreLog() {}

  /** Must be called before the first logger is made; tinylog reads its configuration once. */
  static void configure(Path root) {
    Path folder = root.resolve("logs");
    Map<String, String> c = new LinkedHashMap<>();
    c.put("level", "info");
    c.put("autoshutdown", "false"); // lines of the stop belong into the log, too
    c.put("writer1", "rolling file");
    c.put("writer1.file", folder.resolve("greengrass.{count}.log").toString());
    c.put("writer1.latest", file(root).toString());
    c.put("writer1.policies", "size: 1mb");
    c.put("writer1.backups", "9");
    c.put("writer1.charset", "UTF-8");
    c.put(
        "writer1.format",
        "{date: yyyy-MM-dd'T'HH:mm:ss.SSSXXX} [{level}] ({thread}) {class-name}: {message}");
    c.put("writer2", "console");
    c.put("writer2.stream", "err");
    c.put("writer2.level", "warn");
    c.put("writer2.format", "{date: HH:mm:ss} {level}: {message-only}");
    Configuration.replace(c);
  }

  /** The newest log file. */
  static Path file(Path root) {
    return root.resolve("logs").resolve("greengrass.log");
  }
}
