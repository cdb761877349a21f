package io.ryegrass.groups;

import java.util.Set;
import tools.jackson.databind.JsonNode;

/**
 * Isolation of functions and what goes with it: the rules by which V1 refuses a function
 * definition, with the texts of its guide (TRB-GRP-01 to 05 and 07). Asked when a definition is
 * created, and again when a group is compiled.
 */
final class FunctionRules {
  static final String SYSTEM = "arn:aws:lambda:::function:";

  private static final Set<String> ISOLATION_MODES = Set.of("GreengrassContainer", "NoContainer");

  private FunctionRules() {}

  static boolean isSystem(String arn) {
    return arn.startsWith(SYSTEM);
  }

  /** {@code Execution.IsolationMode}, or empty. */
  private static String isolation(JsonNode execution) {
    return execution.path("Execution").path("IsolationMode").asString("");
  }

  /**
   * @param defaults {@code DefaultConfig} of the definition, may be missing
   * @throws GroupCompilationException for a mode that does not exist
   */
  static void checkDefaults(JsonNode defaults) {
    String mode = isolation(defaults);
    if (!mode.isEmpty() && !ISOLATION_MODES.contains(mode)) {
      throw new GroupCompilationException(
          "Your 'IsolationMode' configuration for the group is invalid.");
    }
  }

  /**
   * Whether a function runs in a container.
   *
   * @throws GroupCompilationException when its configuration does not go with that
   */
  static boolean container(JsonNode function, JsonNode defaults) {
    String arn = function.path("FunctionArn").asString("");
    JsonNode given = function.path("FunctionConfiguration");
    JsonNode environment = given.path("Environment");
    if (isSystem(arn)) {
      if (environment.path("Execution").isObject()) {
        throw new GroupCompilationException(
            "Execution configuration for function with arn " + arn + " is not allowed.");
      }
      return false;
    }
    String own = isolation(environment);
    String mode = own.isEmpty() ? isolation(defaults) : own;
    if (!mode.isEmpty() && !ISOLATION_MODES.contains(mode)) {
      throw new GroupCompilationException(
          "Your 'IsolationMode' configuration for function with arn " + arn + " is invalid.");
    }
    boolean container = !mode.equals("NoContainer");
    boolean memory = given.path("MemorySize").isNumber();
    if (container && !mode.isEmpty() && !memory) {
      throw new GroupCompilationException(
          "MemorySize configuration for function with arn "
              + arn
              + " is required in IsolationMode=GreengrassContainer.");
    }
    if (!container && memory) {
      throw new GroupCompilationException(
          "MemorySize configuration for function with arn "
              + arn
              + " is not allowed in IsolationMode=NoContainer.");
    }
    if (!container && environment.path("AccessSysfs").asBoolean(false)) {
      throw new GroupCompilationException(
          "Access Sysfs configuration for function with arn "
              + arn
              + " is not allowed in IsolationMode=NoContainer.");
    }
    return container;
  }
}
