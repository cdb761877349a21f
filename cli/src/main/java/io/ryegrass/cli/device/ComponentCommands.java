package io.ryegrass.cli.device;

import io.ryegrass.cli.device.CoreAccess.CommandFailure;
import io.ryegrass.eventstream.RpcClient;
import io.ryegrass.eventstream.RpcError;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code component list|details|restart|stop} (CLI-09 to CLI-12). */
@Command(
    name = "component",
    mixinStandardHelpOptions = true,
    description = "Retrieve component information and stop or restart components",
    subcommands = HelpCommand.class)
final class ComponentCommands extends CommandGroup {
  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      description = "Prints names, versions, states and configuration of all components")
  void list() {
    ObjectNode answer = cli.core().call("ListComponents", CoreAccess.empty());
    JsonNode components = answer.path("components");
    print(
        components,
        out -> {
          out.println("Components currently running in Greengrass:");
          components.forEach(component -> print(out, component));
        });
  }

  @Command(
      name = "details",
      mixinStandardHelpOptions = true,
      description = "Prints version, state and configuration of one component")
  void details(
      @Option(
              names = {"-n", "--name"},
              required = true,
              paramLabel = "<component name>",
              description = "the component")
          String name) {
    ObjectNode answer =
        cli.core().call("GetComponentDetails", CoreAccess.empty().put("componentName", name));
    JsonNode details = answer.path("componentDetails");
    print(details, out -> print(out, details));
  }

  @Command(name = "restart", mixinStandardHelpOptions = true, description = "Restarts components")
  void restart(
      @Option(
              names = {"-n", "--names"},
              required = true,
              split = ",",
              paramLabel = "<component name>",
              description = "the components, separated by commas")
          List<String> names) {
    each("RestartComponent", "restartStatus", names);
  }

  @Command(
      name = "stop",
      mixinStandardHelpOptions = true,
      description = "Stops components, and those that need them")
  void stop(
      @Option(
              names = {"-n", "--names"},
              required = true,
              split = ",",
              paramLabel = "<component name>",
              description = "the components, separated by commas")
          List<String> names) {
    each("StopComponent", "stopStatus", names);
  }

  /** All of them are tried; what failed is told at the end. */
  private void each(String operation, String member, List<String> names) {
    ArrayNode results = Result.JSON.createArrayNode();
    List<String> failures = new ArrayList<>();
    try (RpcClient client = cli.core().connect()) {
      for (String name : names) {
        ObjectNode result = results.addObject().put("componentName", name);
        try {
          ObjectNode answer =
              client.call(
                  "aws.greengrass#" + operation,
                  CoreAccess.empty().put("componentName", name.strip()),
                  CoreAccess.PATIENCE);
          result.setAll(answer);
          if (!answer.path(member).asString("").equals("SUCCEEDED")) {
            failures.add(name + ": " + answer.path("message").asString("no reason given"));
          }
        } catch (RpcError e) {
          result.put(member, "FAILED").put("message", e.getMessage());
          failures.add(String.valueOf(e.getMessage()));
        }
      }
    }
    print(results, out -> {});
    if (!failures.isEmpty()) {
      throw new CommandFailure(String.join("; ", failures));
    }
  }

  static void print(PrintWriter out, JsonNode details) {
    JsonNode configuration = details.get("configuration");
    out.println("Component Name: " + details.path("componentName").asString(""));
    out.println("Version: " + details.path("version").asString(""));
    out.println("State: " + details.path("state").asString(""));
    out.println("Configuration: " + (configuration == null ? "null" : configuration.toString()));
  }
}
