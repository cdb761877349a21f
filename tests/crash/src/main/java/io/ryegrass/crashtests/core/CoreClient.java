package io.ryegrass.crashtests.core;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.aws.greengrass.GreengrassCoreIPCClientV2;
import software.amazon.awssdk.aws.greengrass.model.CancelLocalDeploymentRequest;
import software.amazon.awssdk.aws.greengrass.model.ComponentDetails;
import software.amazon.awssdk.aws.greengrass.model.CreateLocalDeploymentRequest;
import software.amazon.awssdk.aws.greengrass.model.GetComponentDetailsRequest;
import software.amazon.awssdk.aws.greengrass.model.GetLocalDeploymentStatusRequest;
import software.amazon.awssdk.aws.greengrass.model.ListComponentsRequest;
import software.amazon.awssdk.aws.greengrass.model.ListLocalDeploymentsRequest;
import software.amazon.awssdk.aws.greengrass.model.LocalDeployment;
import software.amazon.awssdk.aws.greengrass.model.UpdateConfigurationRequest;
import software.amazon.awssdk.crt.CrtRuntimeException;
import software.amazon.awssdk.eventstreamrpc.EventStreamClosedException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What one asks a core over its IPC socket, as the command line and as a component, with AWS's own
 * client. Every call has a deadline; a call that the core's end cuts off throws.
 */
final class CoreClient implements AutoCloseable {
  private static final Duration CALL = Duration.ofSeconds(15);
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private final GreengrassCoreIPCClientV2 client;

  private CoreClient(GreengrassCoreIPCClientV2 client) {
    this.client = client;
  }

  /** With the rights of the command line. */
  static CoreClient asCommandLine(Path root) throws IOException {
    JsonNode info = info(root);
    return new CoreClient(
        connect(
            info.path("domain_socket_path").asString(), info.path("cli_auth_token").asString()));
  }

  /** As a component that has left its token in its work folder; null when it has not. */
  static @Nullable CoreClient asComponent(Path root, String name) throws IOException {
    Path file = root.resolve("work").resolve(name).resolve("svcuid");
    if (!Files.exists(file)) {
      return null;
    }
    return new CoreClient(
        connect(info(root).path("domain_socket_path").asString(), Files.readString(file).strip()));
  }

  private static JsonNode info(Path root) throws IOException {
    try (var files = Files.list(root.resolve("cli_ipc_info"))) {
      for (Path file : files.toList()) {
        if (String.valueOf(file.getFileName()).startsWith("user-")) {
          return JSON.readTree(Files.readAllBytes(file));
        }
      }
    } catch (tools.jackson.core.JacksonException e) {
      throw new IOException("the token is not readable yet", e);
    }
    throw new IOException("there is no token in cli_ipc_info");
  }

  private static GreengrassCoreIPCClientV2 connect(String socket, String token) throws IOException {
    return GreengrassCoreIPCClientV2.builder()
        .withSocketPath(socket)
        .withAuthToken(token)
        .withoutExecutor()
        .build();
  }

  private static <T> T get(Supplier<CompletableFuture<T>> call)
      throws IOException, InterruptedException {
    try {
      return call.get().get(CALL.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw new IOException(String.valueOf(e.getCause()), e.getCause());
    } catch (EventStreamClosedException | CrtRuntimeException e) {
      throw new IOException(e);
    } catch (TimeoutException e) {
      throw new IOException("no answer within " + CALL.toSeconds() + " s", e);
    }
  }

  /** The deployment's id. */
  String create(Plan plan, Path recipes, Path artifacts) throws IOException, InterruptedException {
    Map<String, String> merge = new LinkedHashMap<>();
    plan.merge().forEach((name, spec) -> merge.put(name, spec.version()));
    Map<String, Map<String, Object>> updates = new LinkedHashMap<>();
    plan.updates()
        .forEach(
            (name, u) -> {
              Map<String, Object> one = new LinkedHashMap<>();
              one.put("MERGE", u.merge());
              if (!u.reset().isEmpty()) {
                one.put("RESET", u.reset());
              }
              updates.put(name, one);
            });
    CreateLocalDeploymentRequest base =
        new CreateLocalDeploymentRequest()
            .withRootComponentVersionsToAdd(merge)
            .withRootComponentsToRemove(new ArrayList<>(plan.remove()))
            .withComponentToConfiguration(updates)
            .withRecipeDirectoryPath(recipes.toString())
            .withArtifactsDirectoryPath(artifacts.toString())
            .withFailureHandlingPolicy(plan.rollBack() ? "ROLLBACK" : "DO_NOTHING");
    CreateLocalDeploymentRequest r = plan.group() == null ? base : base.withGroupName(plan.group());
    return get(() -> client.createLocalDeploymentAsync(r)).getDeploymentId();
  }

  void cancel(String id) throws IOException, InterruptedException {
    get(
        () ->
            client.cancelLocalDeploymentAsync(
                new CancelLocalDeploymentRequest().withDeploymentId(id)));
  }

  Set<String> deployments() throws IOException, InterruptedException {
    Set<String> ids = new HashSet<>();
    for (LocalDeployment d :
        get(() -> client.listLocalDeploymentsAsync(new ListLocalDeploymentsRequest()))
            .getLocalDeployments()) {
      ids.add(d.getDeploymentId());
    }
    return ids;
  }

  LocalDeployment deployment(String id) throws IOException, InterruptedException {
    return get(() ->
            client.getLocalDeploymentStatusAsync(
                new GetLocalDeploymentStatusRequest().withDeploymentId(id)))
        .getDeployment();
  }

  /** The components of this test, with versions, states and configurations. */
  List<ComponentDetails> components() throws IOException, InterruptedException {
    List<ComponentDetails> all = new ArrayList<>();
    for (ComponentDetails c :
        get(() -> client.listComponentsAsync(new ListComponentsRequest())).getComponents()) {
      if (c.getComponentName().startsWith(Spec.PREFIX)) {
        all.add(
            get(() ->
                    client.getComponentDetailsAsync(
                        new GetComponentDetailsRequest().withComponentName(c.getComponentName())))
                .getComponentDetails());
      }
    }
    return all;
  }

  /** A component changes its own configuration. */
  void update(String key, String value) throws IOException, InterruptedException {
    Map<String, Object> merge = new HashMap<>();
    merge.put(key, value);
    get(
        () ->
            client.updateConfigurationAsync(
                new UpdateConfigurationRequest()
                    .withKeyPath(List.of())
                    .withTimestamp(java.time.Instant.now())
                    .withValueToMerge(merge)));
  }

  @Override
  public void close() throws IOException {
    try {
      client.close();
    } catch (Exception e) {
      throw new IOException(e);
    }
  }
}
