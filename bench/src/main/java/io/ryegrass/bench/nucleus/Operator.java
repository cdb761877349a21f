package io.ryegrass.bench.nucleus;

import io.ryegrass.bench.report.BenchFailed;
import io.ryegrass.bench.report.Waiting;
import io.ryegrass.eventstream.EventStreamException;
import io.ryegrass.eventstream.RpcClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What the command line does, without its own start: the token of its file, and the socket. */
public final class Operator implements AutoCloseable {
  private static final Duration DEADLINE = Duration.ofSeconds(60);
  private static final Duration ANSWER = Duration.ofSeconds(20);

  private final RpcClient client;

  private Operator(RpcClient client) {
    this.client = client;
  }

  public static Operator of(CoreProgram core) {
    return of(core.root(), core.socket());
  }

  static Operator of(Path root, Path socket) {
    return new Operator(RpcClient.connect(socket, token(root)));
  }

  /** The token that the core has issued to its own user for the command line. */
  static String token(Path root) {
    try (var files = Files.list(root.resolve("cli_ipc_info"))) {
      Path file =
          files
              .filter(f -> f.getFileName().toString().startsWith("user-"))
              .findFirst()
              .orElseThrow();
      return JsonMapper.shared().readTree(Files.readString(file)).path("cli_auth_token").asString();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private ObjectNode call(String operation, ObjectNode request) {
    return client.call("aws.greengrass#" + operation, request, ANSWER);
  }

  private static ObjectNode object() {
    return JsonMapper.shared().createObjectNode();
  }

  /** Asks for a deployment; returns its id at once. */
  String deploy(Recipes recipes, Map<String, String> components) {
    ObjectNode request = object();
    request.put("recipeDirectoryPath", recipes.folder().toString());
    request.put("failureHandlingPolicy", "ROLLBACK");
    ObjectNode add = request.putObject("rootComponentVersionsToAdd");
    components.forEach(add::put);
    return call("CreateLocalDeployment", request).path("deploymentId").asString();
  }

  /**
   * As {@link #deploy(Recipes, Map)}, with artifacts.
   *
   * @param artifacts {@code <component>/<version>/<file>}
   */
  public String deploy(Path recipes, Path artifacts, Map<String, String> components) {
    ObjectNode request = object();
    request.put("recipeDirectoryPath", recipes.toString());
    request.put("artifactsDirectoryPath", artifacts.toString());
    ObjectNode add = request.putObject("rootComponentVersionsToAdd");
    components.forEach(add::put);
    return call("CreateLocalDeployment", request).path("deploymentId").asString();
  }

  /** The state of each component, for example RUNNING. */
  public Map<String, String> states() {
    Map<String, String> states = new HashMap<>();
    for (JsonNode c : call("ListComponents", object()).path("components")) {
      states.put(
          c.path("componentName").asString(),
          c.path("state").asString() + " " + c.path("version").asString());
    }
    return states;
  }

  public void awaitRunning(List<String> names, String version) {
    String wanted = "RUNNING " + version;
    Waiting.until(
        names.size() + " components to be " + wanted,
        DEADLINE,
        () -> {
          Map<String, String> states = states();
          return names.stream().allMatch(n -> wanted.equals(states.get(n)));
        });
  }

  /** Waits for the end of a deployment; its status, for example SUCCEEDED. */
  public String awaitEnd(String deployment) {
    ObjectNode request = object().put("deploymentId", deployment);
    String[] last = {""};
    Waiting.until(
        "the end of deployment " + deployment,
        DEADLINE,
        () -> {
          last[0] =
              call("GetLocalDeploymentStatus", request)
                  .path("deployment")
                  .path("status")
                  .asString();
          return !last[0].equals("QUEUED") && !last[0].equals("IN_PROGRESS");
        });
    return last[0];
  }

  void deployAndAwait(Recipes recipes, Map<String, String> components) {
    String status = awaitEnd(deploy(recipes, components));
    if (!status.equals("SUCCEEDED")) {
      throw new BenchFailed("the deployment of " + components.keySet() + " " + status);
    }
  }

  /** Connects as soon as somebody answers. */
  static Operator soon(CoreProgram core) {
    Operator[] found = new Operator[1];
    Waiting.until(
        "the socket of the core",
        DEADLINE,
        () -> {
          try {
            found[0] = of(core);
            return true;
          } catch (EventStreamException | UncheckedIOException e) {
            return false;
          }
        });
    return found[0];
  }

  @Override
  public void close() {
    client.close();
  }
}
