package io.ryegrass.groups;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.groups.BulkStore.Bulk;
import io.ryegrass.groups.BulkStore.Entry;
import io.ryegrass.groups.BulkStore.Figures;
import io.ryegrass.groups.BulkStore.Status;
import io.ryegrass.groups.DeploymentStore.Deployment;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import tools.jackson.databind.node.ObjectNode;

/**
 * StartBulkDeployment, StopBulkDeployment, GetBulkDeploymentStatus, ListBulkDeployments,
 * ListBulkDeploymentDetailedReports (v1-group-deployment.md §5.3, BLK rows, API-10 to API-14).
 */
final class BulkOperations {
  private static final Pattern TOKEN = Pattern.compile("[\\x21-\\x7e]{1,64}");
  private static final Pattern ROLE = Pattern.compile("arn:[^:]+:iam::\\d*:role/.+");

  private final BulkStore store;
  private final DeploymentStore deployments;
  private final BulkSource source;
  private final BulkRunner runner;
  private final GroupArns arns;

  BulkOperations(
      BulkStore store,
      DeploymentStore deployments,
      BulkSource source,
      BulkRunner runner,
      GroupArns arns) {
    this.store = store;
    this.deployments = deployments;
    this.source = source;
    this.runner = runner;
    this.arns = arns;
  }

  void addTo(ServiceOperations.Builder operations) {
    operations
        .json("StartBulkDeployment", this::start)
        .json("StopBulkDeployment", (context, input) -> stop(input))
        .json("GetBulkDeploymentStatus", (context, input) -> status(input))
        .json("ListBulkDeployments", (context, input) -> list(input))
        .json("ListBulkDeploymentDetailedReports", (context, input) -> reports(input));
  }

  private ObjectNode start(CallContext context, ObjectNode input) {
    String uri = input.path("InputFileUri").asString("");
    String role = input.path("ExecutionRoleArn").asString("");
    String token = input.path("AmznClientToken").asString("");
    if (uri.isBlank()) {
      throw V1Errors.badRequest("InputFileUri is empty; it names the input file in a bucket.");
    }
    if (!ROLE.matcher(role).matches()) {
      throw V1Errors.badRequest("ExecutionRoleArn '" + role + "' is not the ARN of an IAM role.");
    }
    if (!token.isEmpty() && !TOKEN.matcher(token).matches()) {
      throw V1Errors.badRequest("AmznClientToken has more than 64 characters, or not of ASCII.");
    }
    if (!source.may(context.identity(), "iam:PassRole", role)) {
      throw V1Errors.denied(
          context.principalArn() + " is not authorized to perform: iam:PassRole on " + role);
    }
    Bulk bulk = store.create(uri, role, token.isEmpty() ? null : token, Tags.of(input));
    store.afterCommit(runner::wake);
    return Shapes.empty()
        .put("BulkDeploymentArn", arns.bulk(bulk.id()))
        .put("BulkDeploymentId", bulk.id());
  }

  private Bulk find(ObjectNode input) {
    String id = input.path("BulkDeploymentId").asString("");
    return store
        .find(id)
        .orElseThrow(() -> V1Errors.badRequest("Bulk deployment '" + id + "' does not exist."));
  }

  private ObjectNode stop(ObjectNode input) {
    Bulk bulk = find(input);
    if (store.move(
        bulk.id(), List.of(Status.Initializing, Status.Running), Status.Stopping, null)) {
      store.afterCommit(runner::wake);
    } else if (store.find(bulk.id()).filter(b -> b.status().ended()).isPresent()) {
      throw V1Errors.badRequest(
          "Bulk deployment " + bulk.id() + " is at its end; there is nothing to stop.");
    }
    return Shapes.empty();
  }

  private ObjectNode status(ObjectNode input) {
    Bulk bulk = find(input);
    Figures figures = store.figures(bulk.id());
    ObjectNode output =
        Shapes.empty()
            .put("BulkDeploymentStatus", bulk.status().name())
            .put("CreatedAt", Shapes.time(bulk.created()));
    output
        .putObject("BulkDeploymentMetrics")
        .put("InvalidInputRecords", figures.invalid())
        .put("RecordsProcessed", figures.processed())
        .put("RetryAttempts", figures.retries());
    String error = bulk.error();
    if (error != null) {
      error(output, error);
    }
    if (!bulk.tags().isEmpty()) {
      output.set("tags", bulk.tags());
    }
    return output;
  }

  private static void error(ObjectNode output, String error) {
    output.put("ErrorMessage", error);
    output
        .putArray("ErrorDetails")
        .addObject()
        .put("DetailedErrorCode", "400")
        .put("DetailedErrorMessage", error);
  }

  private ObjectNode list(ObjectNode input) {
    Page page = Page.of(input);
    List<Bulk> found = store.list(before(page), page.fetch());
    return page.write(
        "BulkDeployments",
        found,
        bulk ->
            Shapes.empty()
                .put("BulkDeploymentArn", arns.bulk(bulk.id()))
                .put("BulkDeploymentId", bulk.id())
                .put("CreatedAt", Shapes.time(bulk.created())),
        Bulk::seq);
  }

  private ObjectNode reports(ObjectNode input) {
    Bulk bulk = find(input);
    Page page = Page.of(input);
    List<Entry> found = store.processed(bulk.id(), before(page), page.fetch());
    return page.write("Deployments", found, this::report, Entry::line);
  }

  private static long before(Page page) {
    return page.after() == 0 ? Long.MAX_VALUE : page.after();
  }

  private ObjectNode report(Entry entry) {
    ObjectNode output =
        Shapes.empty()
            .put("DeploymentType", DeploymentStore.Type.NewDeployment.name())
            .put("GroupArn", arns.version(Kind.GROUP, entry.groupId(), entry.groupVersion()));
    if (entry.done() != null) {
      output.put("CreatedAt", Shapes.time(entry.done()));
    }
    String id = entry.deploymentId();
    Optional<Deployment> deployment = id == null ? Optional.empty() : deployments.find(id);
    String error = entry.error();
    if (id != null) {
      output.put("DeploymentArn", arns.deployment(entry.groupId(), id)).put("DeploymentId", id);
    }
    if (deployment.isPresent()) {
      output.put("DeploymentStatus", deployment.get().status().name());
      error = deployment.get().error();
    } else {
      output.put("DeploymentStatus", DeploymentStore.Status.Failure.name());
    }
    if (error != null) {
      error(output, error);
    }
    return output;
  }
}
