package io.ryegrass.groups;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.groups.DeploymentStore.Deployment;
import io.ryegrass.groups.DeploymentStore.Status;
import io.ryegrass.groups.DeploymentStore.Type;
import io.ryegrass.groups.VersionedStore.Version;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * CreateDeployment, ListDeployments, GetDeploymentStatus, ResetDeployments (v1-group-deployment.md
 * §5).
 */
final class DeploymentOperations {
  /** Building mostly takes some milliseconds; who asks meanwhile gets what comes of it. */
  private static final Duration BUILDING_IS_TOLD_AFTER = Duration.ofMillis(500);

  private final VersionedStore store;
  private final DeploymentStore deployments;
  private final DeploymentBuilder builder;
  private final GroupArns arns;

  DeploymentOperations(
      VersionedStore store,
      DeploymentStore deployments,
      DeploymentBuilder builder,
      GroupArns arns) {
    this.store = store;
    this.deployments = deployments;
    this.builder = builder;
    this.arns = arns;
  }

  void addTo(ServiceOperations.Builder operations) {
    operations
        .json("CreateDeployment", (context, input) -> create(input))
        .json("ListDeployments", (context, input) -> list(input))
        .json("GetDeploymentStatus", (context, input) -> status(input))
        .json("ResetDeployments", (context, input) -> reset(input));
  }

  private ObjectNode create(ObjectNode input) {
    String group = GroupOperations.id(input);
    Type type = type(input.path("DeploymentType").asString(""));
    String version = input.path("GroupVersionId").asString("");
    if (type == Type.Redeployment) {
      String repeated = input.path("DeploymentId").asString("");
      if (repeated.isEmpty()) {
        throw V1Errors.invalidInput(
            "Your request is missing the following required parameter(s): {DeploymentId}.");
      }
      version =
          deployments
              .find(repeated)
              .filter(d -> d.groupId().equals(group))
              .map(Deployment::groupVersion)
              .orElseThrow(
                  () -> V1Errors.invalidInput("Deployment ID '" + repeated + "' is invalid."));
    }
    if (version.isEmpty()) {
      throw V1Errors.invalidInput(
          "Your request is missing the following required parameter(s): {GroupVersionId}.");
    }
    checkCore(group, version);
    deployments
        .latest(group)
        .filter(last -> last.status() == Status.Building)
        .ifPresent(
            last -> {
              throw concurrent(last, "Try again when it is built.");
            });
    return started(deployments.create(group, type, version, null));
  }

  /** TRB-DEP-03, RST-02. */
  private static AwsException concurrent(Deployment last, String remedy) {
    return new AwsException(
        "ConcurrentDeployment",
        400,
        "Deployment "
            + last.id()
            + " of group "
            + last.groupId()
            + " is in state "
            + last.status()
            + ". "
            + remedy);
  }

  /** A new deployment, to be built once the transaction that it is made in is committed. */
  String deploy(String group, String version) {
    checkCore(group, version);
    return deployments.create(group, Type.NewDeployment, version, null).id();
  }

  private static Type type(String text) {
    if (text.equals("NewDeployment") || text.equals("Redeployment")) {
      return Type.valueOf(text);
    }
    throw V1Errors.invalidInput(
        "That deployment type is not valid.  Please specify one of the following types:"
            + " {NewDeployment,Redeployment,ResetDeployment,ForceResetDeployment}.");
  }

  private void checkCore(String group, String version) {
    Version found;
    try {
      found = store.version(Kind.GROUP, group, version);
    } catch (AwsException e) {
      throw V1Errors.notFound(
          e.code().equals("IdNotFoundException")
              ? "That group definition does not exist."
              : "Version " + version + " of Group Definition " + group + " does not exist.");
    }
    String core = found.content().path(Kind.CORE.referenceMember()).asString("");
    boolean present =
        store
            .find(Kind.CORE, core)
            .filter(v -> !v.content().path(Kind.CORE.member).isEmpty())
            .isPresent();
    if (!present) {
      throw V1Errors.detailed(
          "MissingCoreException",
          "GG-303",
          "You need a Greengrass Core in this Group before you can deploy.");
    }
  }

  private ObjectNode started(Deployment deployment) {
    deployments.afterCommit(builder::wake);
    return Shapes.empty()
        .put("DeploymentArn", arns.deployment(deployment.groupId(), deployment.id()))
        .put("DeploymentId", deployment.id());
  }

  private ObjectNode list(ObjectNode input) {
    String group = GroupOperations.id(input);
    Page page = Page.of(input);
    long before = page.after() == 0 ? Long.MAX_VALUE : page.after();
    List<Deployment> found = deployments.list(group, before, page.fetch());
    return page.write("Deployments", found, this::entry, Deployment::seq);
  }

  private ObjectNode entry(Deployment deployment) {
    return Shapes.empty()
        .put("CreatedAt", Shapes.time(deployment.created()))
        .put("DeploymentArn", arns.deployment(deployment.groupId(), deployment.id()))
        .put("DeploymentId", deployment.id())
        .put("DeploymentType", deployment.type().name())
        .put("GroupArn", groupArn(deployment));
  }

  /** What is deployed is a version of the group; a reset is of the group. */
  private String groupArn(Deployment deployment) {
    String version = deployment.groupVersion();
    return version == null
        ? arns.of(Kind.GROUP, deployment.groupId())
        : arns.version(Kind.GROUP, deployment.groupId(), version);
  }

  private ObjectNode status(ObjectNode input) {
    String id = input.path("DeploymentId").asString("");
    builder.awaitBuilt(id, BUILDING_IS_TOLD_AFTER);
    Deployment deployment =
        deployments
            .find(id)
            .filter(d -> d.groupId().equals(GroupOperations.id(input)))
            .orElseThrow(() -> V1Errors.invalidInput("Deployment '" + id + "' does not exist."));
    ObjectNode status =
        Shapes.empty()
            .put("DeploymentStatus", deployment.status().name())
            .put("DeploymentType", deployment.type().name())
            .put("UpdatedAt", Shapes.time(deployment.updated()));
    String error = deployment.error();
    if (error != null) {
      status.put("ErrorMessage", error);
      ArrayNode details = status.putArray("ErrorDetails");
      details.addObject().put("DetailedErrorCode", "400").put("DetailedErrorMessage", error);
    }
    return status;
  }

  private ObjectNode reset(ObjectNode input) {
    String group = GroupOperations.id(input);
    if (!store.exists(Kind.GROUP, group)) {
      throw V1Errors.notFound("That Group Definition does not exist.");
    }
    boolean force = input.path("Force").asBoolean(false);
    Optional<Deployment> last = deployments.latest(group);
    if (!force && (last.isEmpty() || last.get().type().reset())) {
      throw V1Errors.notFound(
          "Group id: " + group + " has not been deployed or has already been reset.");
    }
    if (!force && !last.get().status().ended()) {
      throw concurrent(last.get(), "Wait until it has ended, or reset the group with force.");
    }
    String core =
        deployments
            .deployedCore(group)
            .or(
                () ->
                    deployments.list(group, Long.MAX_VALUE, 100).stream()
                        .flatMap(d -> Optional.ofNullable(d.core()).stream())
                        .findFirst())
            .orElse(null);
    return started(
        deployments.create(
            group, force ? Type.ForceResetDeployment : Type.ResetDeployment, null, core));
  }
}
