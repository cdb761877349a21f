package io.ryegrass.cli.device;

import io.ryegrass.cli.device.CoreAccess.CommandFailure;
import io.ryegrass.model.InvalidDocumentException;
import java.io.PrintWriter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code plan}: what would a deployment change and restart; nothing is changed (LESSON-28). */
@Command(
    name = "plan",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Prints what a local deployment would install, update, reconfigure, restart and remove.",
      "Takes the options of 'deployment create' and changes nothing."
    })
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class PlanCommand implements Runnable {
  @ParentCommand CliMain cli;
  @Spec CommandSpec spec;
  @Mixin DeploymentCommands.RequestOptions options;

  @Override
  public void run() {
    ObjectNode request = options.request();
    CoreAccess core = cli.core();
    JsonNode running = core.call("ListComponents", CoreAccess.empty()).path("components");
    DeploymentPlan plan;
    try {
      plan = DeploymentPlan.of(request, running, options.recipes, core.root());
    } catch (InvalidDocumentException e) {
      throw new CommandFailure("a recipe cannot be read: " + e.getMessage());
    }
    ObjectNode json = plan.json();
    Result.print(cli, spec.commandLine().getOut(), json, out -> print(out, plan));
  }

  private static void print(PrintWriter out, DeploymentPlan plan) {
    if (plan.steps().isEmpty()) {
      out.println("Nothing would change.");
    }
    for (DeploymentPlan.Step step : plan.steps()) {
      out.println(
          String.format(
              "%-11s %-40s %-20s %s",
              step.action().name().toLowerCase(java.util.Locale.ROOT),
              step.component(),
              step.versions(),
              step.why()));
    }
    plan.notes().forEach(note -> out.println("note: " + note));
  }
}
