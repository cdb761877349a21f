package io.ryegrass.groups;

import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Loggers (v1-group-deployment.md §8): files are the nucleus's own logging, CloudWatch is {@code
 * aws.greengrass.LogManager}. Where that does not exist, logs stay in their files; a group is not
 * refused for it.
 */
final class LoggerCompiler {
  static final String LOG_MANAGER = "aws.greengrass.LogManager";

  /** Files of system components that share one limit in V1 (LOG-16). */
  private static final int SYSTEM_FILES = 8;

  private static final int LEAST_KB = 16;

  private final CompilerOutput out;

  LoggerCompiler(CompilerOutput out) {
    this.out = out;
  }

  void compile(List<JsonNode> loggers, List<String> functions) {
    ObjectNode uploads = Shapes.empty();
    String first = "";
    for (JsonNode logger : loggers) {
      String id = logger.path("Id").asString("");
      boolean system = logger.path("Component").asString("").equals("GreengrassSystem");
      if (logger.path("Type").asString("").equals("AWSCloudWatch")) {
        first = first.isEmpty() ? id : first;
        upload(uploads, system, level(logger), functions);
        if (out.exists(LOG_MANAGER)) {
          out.became("logger", id, LOG_MANAGER + " logsUploaderConfiguration");
        } else {
          out.became(
              "logger",
              id,
              "nothing",
              "Component " + LOG_MANAGER + " does not exist here yet: logs stay on the core.");
        }
      } else if (system) {
        file(logger);
        out.became("logger", id, CompilerOutput.NUCLEUS + " logging");
      } else {
        out.became(
            "logger",
            id,
            GroupCompiler.LAMBDA_MANAGER + " loggers",
            "Kept there; the functions' files have all levels and the limits of the nucleus.");
      }
    }
    if (!uploads.isEmpty() && out.exists(LOG_MANAGER)) {
      ObjectNode configuration = Shapes.empty();
      configuration.set("logsUploaderConfiguration", uploads);
      out.need(LOG_MANAGER, configuration, "Logger " + first);
    }
  }

  /** The nucleus has no FATAL; what is fatal to it is an ERROR. */
  private static String level(JsonNode logger) {
    String level = logger.path("Level").asString("INFO");
    return level.equals("FATAL") ? "ERROR" : level;
  }

  private void file(JsonNode logger) {
    ObjectNode logging = out.nucleus("/logging").put("level", level(logger));
    int space = logger.path("Space").asInt(0);
    if (space > 0) {
      int file = Math.max(LEAST_KB, space);
      logging.put("fileSizeKB", file).put("totalLogsSizeKB", file * SYSTEM_FILES);
    }
  }

  private static void upload(
      ObjectNode uploads, boolean system, String level, List<String> functions) {
    if (system) {
      uploads
          .putObject("systemLogsConfiguration")
          .put("uploadToCloudWatch", "true")
          .put("minimumLogLevel", level);
      return;
    }
    ArrayNode components = uploads.putArray("componentLogsConfiguration");
    for (String function : functions) {
      components.addObject().put("componentName", function).put("minimumLogLevel", level);
    }
  }
}
