package io.ryegrass.cli.device;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code deployment create|status|cancel|list} (CLI-13 to CLI-19). */
@Command(
    name = "deployment",
    mixinStandardHelpOptions = true,
    description = "Create local deployments and look at them",
    subcommands = HelpCommand.class)
final class DeploymentCommands extends CommandGroup {
  /** What a deployment asks for; {@code plan} takes the same. */
  @SuppressWarnings("NullAway.Init") // picocli sets spec
  static final class RequestOptions {
    @Spec(Spec.Target.MIXEE)
    CommandSpec spec;

    @Option(
        names = {"-m", "--merge"},
        paramLabel = "<component>=<version>",
        description = "add or update a root component; may be repeated")
    @Nullable Map<String, String> merge;

    @Option(
        names = "--remove",
        split = ",",
        paramLabel = "<component>",
        description = "remove root components, separated by commas")
    @Nullable List<String> remove;

    @Option(
        names = {"-r", "--recipeDir"},
        paramLabel = "<folder>",
        description = "folder with recipes")
    @Nullable Path recipes;

    @Option(
        names = {"-a", "--artifactDir"},
        paramLabel = "<folder>",
        description = "folder with artifacts, as <component>/<version>/<file>")
    @Nullable Path artifacts;

    @Option(
        names = {"-c", "--update-config"},
        paramLabel = "<JSON or file>",
        description = "{\"<component>\": {\"MERGE\": {...}, \"RESET\": [\"/pointer\"]}}")
    @Nullable String configuration;

    @Option(
        names = {"-g", "--groupId"},
        paramLabel = "<thing group>",
        description = "thing group to change (default: the group of local deployments)")
    @Nullable String group;

    @Option(
        names = "--runWith",
        paramLabel = "<component>:posixUser=<user>[:<group>]",
        description = "user of a component; may be repeated")
    @Nullable Map<String, String> runWith;

    @Option(
        names = "--systemLimits",
        paramLabel = "<JSON or file>",
        description = "{\"<component>\": {\"cpus\": 0.5, \"memory\": 102400}}, memory in KB")
    @Nullable String limits;

    @Option(
        names = {"-fp", "--failure-handling-policy"},
        paramLabel = "ROLLBACK|DO_NOTHING",
        description = "what happens when it fails")
    @Nullable FailurePolicy policy;

    enum FailurePolicy {
      ROLLBACK,
      DO_NOTHING
    }

    /** As the operation CreateLocalDeployment has it. */
    ObjectNode request() {
      ObjectNode request = CoreAccess.empty();
      if (group != null) {
        // older versions of AWS's command line took the group's name with this prefix (CLI-15)
        request.put("groupName", group.startsWith("thinggroup/") ? group.substring(11) : group);
      }
      if (merge != null) {
        ObjectNode add = request.putObject("rootComponentVersionsToAdd");
        merge.forEach((name, version) -> add.put(name.strip(), version.strip()));
      }
      if (remove != null) {
        var names = request.putArray("rootComponentsToRemove");
        remove.forEach(name -> names.add(name.strip()));
      }
      if (configuration != null) {
        request.set(
            "componentToConfiguration", Inputs.object(spec, "--update-config", configuration));
      }
      users(request);
      if (recipes != null) {
        request.put("recipeDirectoryPath", Inputs.folder(spec, "--recipeDir", recipes).toString());
      }
      if (artifacts != null) {
        request.put(
            "artifactsDirectoryPath", Inputs.folder(spec, "--artifactDir", artifacts).toString());
      }
      if (policy != null) {
        request.put("failureHandlingPolicy", policy.name());
      }
      return request;
    }

    private void users(ObjectNode request) {
      ObjectNode infos = CoreAccess.empty();
      if (runWith != null) {
        runWith.forEach(
            (key, user) -> {
              int colon = key.lastIndexOf(':');
              String kind = colon < 0 ? "" : key.substring(colon + 1);
              if (colon < 1 || !(kind.equals("posixUser") || kind.equals("windowsUser"))) {
                throw new CommandLine.ParameterException(
                    spec.commandLine(),
                    "'" + key + "' of --runWith must be <component>:posixUser=<user>[:<group>]");
              }
              infos.withObjectProperty(key.substring(0, colon)).put(kind, user);
            });
      }
      if (limits != null) {
        for (Map.Entry<String, JsonNode> e :
            Inputs.object(spec, "--systemLimits", limits).properties()) {
          infos.withObjectProperty(e.getKey()).set("systemResourceLimits", e.getValue());
        }
      }
      if (!infos.isEmpty()) {
        request.set("componentToRunWithInfo", infos);
      }
    }
  }

  /** {@code --deploymentId}. */
  static final class DeploymentId {
    @Option(
        names = {"-i", "--deploymentId"},
        required = true,
        paramLabel = "<deployment id>",
        description = "its id")
    String id = "";

    ObjectNode request() {
      return CoreAccess.empty().put("deploymentId", id);
    }
  }

  @Command(
      name = "create",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      description = "Creates a local deployment")
  void create(@Mixin RequestOptions options) {
    ObjectNode answer = cli.core().call("CreateLocalDeployment", options.request());
    print(
        answer,
        out ->
            out.println(
                "Local deployment submitted! Deployment Id: "
                    + answer.path("deploymentId").asString("")));
  }

  @Command(
      name = "status",
      mixinStandardHelpOptions = true,
      description = "Prints how a local deployment stands")
  void status(@Mixin DeploymentId asked) {
    JsonNode deployment =
        cli.core().call("GetLocalDeploymentStatus", asked.request()).path("deployment");
    print(
        deployment,
        out -> {
          out.println(
              deployment.path("deploymentId").asString("")
                  + ": "
                  + deployment.path("status").asString(""));
          out.println("Created on: " + deployment.path("createdOn").asString(""));
          if (deployment.path("status").asString("").equals("FAILED")) {
            JsonNode details = deployment.path("deploymentStatusDetails");
            out.println(
                "Detailed Status: " + details.path("detailedDeploymentStatus").asString(""));
            out.println("Deployment Error Stack: " + joined(details.path("deploymentErrorStack")));
            out.println("Deployment Error Types: " + joined(details.path("deploymentErrorTypes")));
            out.println(
                "Deployment Failure Cause: " + details.path("deploymentFailureCause").asString(""));
          }
        });
  }

  @Command(
      name = "cancel",
      mixinStandardHelpOptions = true,
      description = "Cancels a local deployment")
  void cancel(@Mixin DeploymentId asked) {
    ObjectNode answer = cli.core().call("CancelLocalDeployment", asked.request());
    print(answer, out -> out.println(answer.path("message").asString("")));
  }

  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      description = "Prints the last ten local deployments")
  void list() {
    JsonNode all =
        cli.core().call("ListLocalDeployments", CoreAccess.empty()).path("localDeployments");
    print(
        all,
        out ->
            all.forEach(
                deployment -> {
                  out.println("Deployment ID: " + deployment.path("deploymentId").asString(""));
                  out.println("Created on: " + deployment.path("createdOn").asString(""));
                  out.println("Status: " + deployment.path("status").asString(""));
                }));
  }

  private static String joined(JsonNode texts) {
    return String.join(", ", texts.valueStream().map(t -> t.asString("")).toList());
  }
}
