package io.ryegrass.components;

import io.ryegrass.model.Arn;
import io.ryegrass.model.DeploymentDocument;
import io.ryegrass.registry.Registry;
import io.ryegrass.registry.job.JobService;
import io.ryegrass.registry.job.JobSettings;
import io.ryegrass.registry.job.JobSpec;
import io.ryegrass.registry.shadow.ShadowService;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * Deployments and their revisions. A new deployment to a target supersedes the one before: its job
 * is cancelled, what had not ended on a device becomes CANCELED.
 */
final class Deployments {
  static final String ACTIVE = "ACTIVE";
  static final String SHADOW = "AWSManagedGreengrassV2Deployment";
  static final String NAMESPACE = "aws-gg-deployment";

  /** A shadow holds 8192 bytes; a quarter is left to the device's report. */
  private static final int MAX_SHADOW_BYTES = 6144;

  /** A job's document may have 32 KiB (TRB-29). */
  private static final int MAX_JOB_BYTES = 31 << 10;

  private final CloudStore store;
  private final Registry registry;
  private final ShadowService shadows;
  private final JobService jobs;
  private final EffectiveDeployments effective;
  private final Tags tags;
  private final Tokens tokens;
  private final Arns arns;
  private final Pages pages;
  private final Conflicts conflicts;
  private final FleetEvents fleetEvents;
  private final Clock clock;
  private final DeploymentRequests.Existence existence;
  private final Consumer<String> dropDocument;

  Deployments(
      CloudStore store,
      Registry registry,
      ShadowService shadows,
      JobService jobs,
      EffectiveDeployments effective,
      Tags tags,
      Tokens tokens,
      Arns arns,
      Pages pages,
      Conflicts conflicts,
      FleetEvents fleetEvents,
      Clock clock,
      DeploymentRequests.Existence existence,
      Consumer<String> dropDocument) {
    this.pages = pages;
    this.conflicts = conflicts;
    this.fleetEvents = fleetEvents;
    this.store = store;
    this.registry = registry;
    this.shadows = shadows;
    this.jobs = jobs;
    this.effective = effective;
    this.tags = tags;
    this.tokens = tokens;
    this.arns = arns;
    this.clock = clock;
    this.existence = existence;
    this.dropDocument = dropDocument;
  }

  // ---- create

  ObjectNode create(ObjectNode input) {
    return tokens.once("CreateDeployment", input, () -> createNew(input));
  }

  private ObjectNode createNew(ObjectNode input) {
    String targetArn = Json.text(input, "targetArn");
    DeploymentRow.Kind kind = checkTarget(targetArn);
    String parent = Json.text(input, "parentTargetArn");
    if (!parent.isEmpty()) {
      checkParent(targetArn, kind, parent);
    }
    Map<String, DeploymentDocument.ComponentUpdate> components =
        DeploymentRequests.components(input.get("components"), existence);
    ObjectNode request = Json.object();
    request.set(
        "components",
        input.path("components").isObject() ? input.get("components") : Json.object());
    request.set("deploymentPolicies", DeploymentRequests.policies(input.get("deploymentPolicies")));
    if (input.path("iotJobConfiguration").isObject()) {
      DeploymentRequests.checkJobConfiguration(input.get("iotJobConfiguration"));
      request.set("iotJobConfiguration", input.get("iotJobConfiguration"));
    }
    List<Conflicts.Conflict> found =
        conflicts.of(kind, Arn.parse(targetArn).resource(), request.path("components"));
    Conflicts.put(request, found);
    DeploymentRow created =
        store.write(
            sql -> {
              DeploymentRow row =
                  insert(
                      sql,
                      UUID.randomUUID().toString(),
                      kind,
                      Json.text(input, "deploymentName"),
                      targetArn,
                      Arn.parse(targetArn).resource(),
                      parent.isEmpty() ? null : parent,
                      null,
                      request);
              if (kind == DeploymentRow.Kind.THING) {
                effective.queued(row, row.targetName());
                sendToShadow(row, components, "SUCCEEDED");
              } else {
                jobs.create(
                    new JobSpec(
                        jobId(row),
                        List.of(),
                        row.targetName(),
                        forJob(row, components),
                        NAMESPACE,
                        JobSettings.of(request.path("iotJobConfiguration"))));
              }
              tags.put(arns.own("deployments:" + row.id()), Json.texts(input.get("tags")));
              fleetEvents.conflicts(row, found);
              return row;
            });
    ObjectNode result = Json.object();
    result.put("deploymentId", created.id());
    putJob(result, created);
    return result;
  }

  /** Sends a compiled V1 group to its core. */
  DeploymentRow createForGroup(GroupDeployment group) {
    return store.write(
        sql -> {
          String target =
              "arn:aws:iot:" + arns.region() + ":" + arns.account() + ":" + group.groupKey();
          ObjectNode request = Json.object();
          ObjectNode policies = DeploymentRequests.policies(null);
          policies.put("failureHandlingPolicy", group.failureHandlingPolicy().name());
          request.set("deploymentPolicies", policies);
          DeploymentRow row =
              insert(
                  sql,
                  group.deploymentId(),
                  DeploymentRow.Kind.V1_GROUP,
                  "",
                  target,
                  group.groupKey(),
                  null,
                  group.coreThingName(),
                  request);
          sql.update(
              "DELETE FROM components_hidden_groups WHERE core = ? AND group_key = ?",
              group.coreThingName(),
              group.groupKey());
          sql.update(
              "INSERT INTO components_hidden_groups (core, group_key) VALUES (?, ?)",
              group.coreThingName(),
              group.groupKey());
          effective.queued(row, group.coreThingName());
          jobs.create(
              new JobSpec(
                  jobId(row),
                  List.of(group.coreThingName()),
                  null,
                  forJob(sql, row, group),
                  NAMESPACE));
          return row;
        });
  }

  private DeploymentRow insert(
      Sql sql,
      String id,
      DeploymentRow.Kind kind,
      String name,
      String targetArn,
      String groupResource,
      @Nullable String parent,
      @Nullable String core,
      ObjectNode request) {
    supersede(sql, targetArn, parent);
    String revisionKey = groupResource + (parent == null ? "" : " for " + parent);
    if (sql.update(
            "UPDATE components_revisions SET revision = revision + 1 WHERE target = ?", revisionKey)
        == 0) {
      sql.update("INSERT INTO components_revisions (target, revision) VALUES (?, 1)", revisionKey);
    }
    long revision =
        sql.one(
                "SELECT revision FROM components_revisions WHERE target = ?",
                r -> r.number("revision"),
                revisionKey)
            .orElse(1L);
    String suffix = parent == null ? "" : "." + id;
    DeploymentRow row =
        new DeploymentRow(
            id,
            kind,
            name,
            targetArn,
            revision,
            arns.own("configuration:" + groupResource + ":" + revision + suffix),
            Instant.ofEpochMilli(clock.millis()),
            ACTIVE,
            true,
            parent,
            core,
            kind == DeploymentRow.Kind.THING ? null : id,
            request);
    sql.update(
        "INSERT INTO components_deployments (id, kind, name, target, revision, configuration_arn,"
            + " created, status, latest, parent_target, core, job_id, request) VALUES (?, ?, ?, ?, ?,"
            + " ?, ?, ?, 1, ?, ?, ?, ?)",
        id,
        kind.name(),
        name,
        targetArn,
        revision,
        row.configurationArn(),
        row.created().toEpochMilli(),
        ACTIVE,
        parent,
        core,
        row.jobId(),
        request.toString());
    return row;
  }

  private void supersede(Sql sql, String targetArn, @Nullable String parent) {
    // a parent's new revision ends its subdeployments, too (DPL-25)
    List<DeploymentRow> before =
        sql.list(
            "SELECT * FROM components_deployments WHERE latest = 1 AND ((target = ? AND"
                + " COALESCE(parent_target, '') = ?) OR (parent_target = ? AND ? = ''))",
            DeploymentRow::of,
            targetArn,
            parent == null ? "" : parent,
            targetArn,
            parent == null ? "" : parent);
    for (DeploymentRow row : before) {
      sql.update(
          "UPDATE components_deployments SET latest = 0, status = ? WHERE id = ?",
          row.active() ? "INACTIVE" : row.status(),
          row.id());
      if (row.active()) {
        if (row.jobId() != null) {
          jobs.cancel(row.jobId());
        }
        effective.cancelOpen(row, "superseded by a newer revision of the same target");
      }
    }
  }

  /**
   * A subdeployment is for a thing group whose cores have a deployment of the parent, and a group
   * serves one parent only (DPL-25).
   */
  private void checkParent(String targetArn, DeploymentRow.Kind kind, String parent) {
    if (kind != DeploymentRow.Kind.GROUP) {
      throw Faults.validation(
          "targetArn", "the target of a subdeployment must be a thing group, not " + targetArn);
    }
    if (checkTarget(parent) != DeploymentRow.Kind.GROUP || parent.equals(targetArn)) {
      throw Faults.validation(
          "parentTargetArn",
          "parentTargetArn must be another thing group than the target, not " + parent);
    }
    List<String> others =
        store.read(
            sql ->
                sql.list(
                    "SELECT DISTINCT COALESCE(parent_target, '') AS parent FROM"
                        + " components_deployments WHERE target = ? AND parent_target <> ? AND"
                        + " latest = 1",
                    r -> r.text("parent"),
                    targetArn,
                    parent));
    if (!others.isEmpty()) {
      throw Faults.conflict(
          "THING_GROUP",
          targetArn,
          targetArn
              + " is the target of a subdeployment of "
              + others.getFirst()
              + "; a thing group can be used for subdeployments of one parent only");
    }
    boolean deployed =
        store.read(
                sql ->
                    sql.count(
                        "SELECT COUNT(*) AS n FROM components_deployments WHERE target = ? AND"
                            + " parent_target IS NULL",
                        parent))
            > 0;
    if (!deployed) {
      throw Faults.validation(
          "parentTargetArn", parent + " has no deployment; deploy to the parent group first");
    }
  }

  private DeploymentRow.Kind checkTarget(String targetArn) {
    if (Arn.isArn(targetArn)) {
      Arn arn = Arn.parse(targetArn);
      String name = arn.resource().substring(arn.resource().indexOf('/') + 1);
      boolean here = arn.account().equals(arns.account()) && arn.region().equals(arns.region());
      if (arn.resource().startsWith("thing/")) {
        if (here && registry.thingExists(name)) {
          return DeploymentRow.Kind.THING;
        }
        throw Faults.notFound(
            "THING",
            targetArn,
            "thing " + targetArn + " does not exist; create it with iot CreateThing");
      }
      if (arn.resource().startsWith("thinggroup/")) {
        if (here && registry.thingGroupExists(name)) {
          return DeploymentRow.Kind.GROUP;
        }
        throw Faults.notFound(
            "THING_GROUP",
            targetArn,
            "thing group " + targetArn + " does not exist; create it with iot CreateThingGroup");
      }
    }
    throw Faults.validation(
        "targetArn", "'" + targetArn + "' is not the ARN of a thing or a thing group");
  }

  private ObjectNode forJob(
      DeploymentRow row, Map<String, DeploymentDocument.ComponentUpdate> components) {
    DeploymentDocument document = DeploymentRequests.document(row, components);
    ObjectNode whole = document.toJson();
    return bytes(whole) <= MAX_JOB_BYTES ? whole : DeploymentRequests.outline(document).toJson();
  }

  /** The same for a V1 group, whose whole document is kept for the core to ask for. */
  private ObjectNode forJob(Sql sql, DeploymentRow row, GroupDeployment group) {
    DeploymentDocument document = DeploymentRequests.document(row, group.components());
    ObjectNode whole = document.toJson();
    String text = whole.toString();
    for (String replaced :
        sql.list(
            "SELECT deployment_id FROM components_group_documents WHERE target = ?",
            r -> r.text("deployment_id"),
            row.targetArn())) {
      store.afterCommit(() -> dropDocument.accept(replaced));
    }
    sql.update("DELETE FROM components_group_documents WHERE target = ?", row.targetArn());
    if (text.getBytes(StandardCharsets.UTF_8).length <= MAX_JOB_BYTES) {
      return whole;
    }
    sql.update(
        "INSERT INTO components_group_documents (target, deployment_id, document) VALUES (?, ?, ?)",
        row.targetArn(),
        row.id(),
        text);
    return DeploymentRequests.outline(document).toJson();
  }

  /**
   * The desired part of the shadow: the document as text, or its outline when the text has no room,
   * and whether it is wanted. The device's report must never be refused for want of room.
   */
  private void sendToShadow(
      DeploymentRow row,
      Map<String, DeploymentDocument.ComponentUpdate> components,
      String desiredStatus) {
    DeploymentDocument document = DeploymentRequests.document(row, components);
    ObjectNode desired = desired(document, desiredStatus);
    if (bytes(desired) > MAX_SHADOW_BYTES) {
      desired = desired(DeploymentRequests.outline(document), desiredStatus);
    }
    int size = bytes(desired);
    if (size > MAX_SHADOW_BYTES) {
      throw Faults.validation(
          "components",
          "the deployment's outline, which is its components without their configuration, has "
              + size
              + " bytes, more than the "
              + MAX_SHADOW_BYTES
              + " that fit in the shadow of thing "
              + row.targetName()
              + "; deploy to a thing group, or fewer components");
    }
    ObjectNode update = Json.object();
    update.putObject("state").set("desired", desired);
    shadows.update(row.targetName(), SHADOW, update.toString().getBytes(StandardCharsets.UTF_8));
  }

  private static ObjectNode desired(DeploymentDocument document, String desiredStatus) {
    return Json.object()
        .put("fleetConfig", document.toJson().toString())
        .put("desiredStatus", desiredStatus);
  }

  private static int bytes(ObjectNode node) {
    return node.toString().getBytes(StandardCharsets.UTF_8).length;
  }

  private static String jobId(DeploymentRow row) {
    return row.jobId() == null ? row.id() : row.jobId();
  }

  // ---- read

  Optional<DeploymentRow> find(String id) {
    return store.read(
        sql -> sql.one("SELECT * FROM components_deployments WHERE id = ?", DeploymentRow::of, id));
  }

  private DeploymentRow required(ObjectNode input) {
    String id = Json.text(input, "deploymentId");
    return find(id)
        .orElseThrow(
            () -> Faults.notFound("DEPLOYMENT", id, "Deployment " + id + " does not exist"));
  }

  ObjectNode get(ObjectNode input) {
    DeploymentRow row = required(input);
    ObjectNode result = describe(row);
    putJob(result, row);
    result.set("components", row.request().path("components").deepCopy());
    result.set("deploymentPolicies", row.request().path("deploymentPolicies").deepCopy());
    result.set(
        "iotJobConfiguration",
        row.request().has("iotJobConfiguration")
            ? row.request().get("iotJobConfiguration").deepCopy()
            : Json.object());
    Json.putTags(result, tags.of(arns.own("deployments:" + row.id())));
    return result;
  }

  ObjectNode list(ObjectNode input) {
    String target = Json.text(input, "targetArn");
    String parent = Json.text(input, "parentTargetArn");
    boolean all = Json.text(input, "historyFilter").equals("ALL");
    List<DeploymentRow> rows =
        store.read(
            sql ->
                sql.list(
                    "SELECT * FROM components_deployments WHERE kind <> 'V1_GROUP' AND (? = '' OR"
                        + " target = ?) AND (? = '' OR parent_target = ?) AND (? = 1 OR latest = 1)"
                        + " ORDER BY created DESC, id",
                    DeploymentRow::of,
                    target,
                    target,
                    parent,
                    parent,
                    all ? 1 : 0));
    List<ObjectNode> items = new ArrayList<>();
    rows.forEach(r -> items.add(describe(r)));
    return pages.page(input, "deployments", items, i -> Json.text(i, "deploymentId"));
  }

  private static ObjectNode describe(DeploymentRow row) {
    ObjectNode result = Json.object();
    result.put("targetArn", row.targetArn());
    result.put("revisionId", Long.toString(row.revision()));
    result.put("deploymentId", row.id());
    Json.putUnlessEmpty(result, "deploymentName", row.name());
    result.put("deploymentStatus", row.status());
    result.put("creationTimestamp", Json.seconds(row.created()));
    result.put("isLatestForTarget", row.latest());
    Json.putUnlessEmpty(result, "parentTargetArn", row.parentTargetArn());
    return result;
  }

  private void putJob(ObjectNode result, DeploymentRow row) {
    if (row.jobId() != null) {
      result.put("iotJobId", row.jobId());
      result.put("iotJobArn", arns.job(row.jobId()));
    }
  }

  // ---- cancel, delete

  ObjectNode cancel(ObjectNode input) {
    DeploymentRow row = required(input);
    if (!row.active()) {
      throw Faults.conflict(
          "DEPLOYMENT",
          row.id(),
          "Deployment "
              + row.id()
              + " is "
              + row.status()
              + "; only an ACTIVE one can be canceled");
    }
    cancel(row);
    return Json.object().put("message", "Deployment " + row.id() + " is being canceled");
  }

  void cancel(DeploymentRow row) {
    store.write(
        sql -> {
          sql.update(
              "UPDATE components_deployments SET status = 'CANCELED' WHERE id = ?", row.id());
          if (row.kind() == DeploymentRow.Kind.GROUP) {
            // a device that has taken it up goes on with it (DPL-28)
            jobs.cancel(jobId(row), false);
            effective.cancelQueued(row, "canceled before the device took it up");
          } else if (row.jobId() != null) {
            jobs.cancel(row.jobId());
            effective.cancelOpen(row, "canceled");
          } else {
            effective.cancelQueued(row, "canceled before the device took it up");
            Map<String, DeploymentDocument.ComponentUpdate> components =
                DeploymentRequests.components(
                    row.request().get("components"), DeploymentRequests.Existence.CHECKED);
            sendToShadow(row, components, "CANCELED");
          }
          return 0;
        });
  }

  /** By its abort criteria or by CancelJob; what this service cancels is not ACTIVE any more. */
  void jobCanceled(String jobId) {
    store.write(
        sql ->
            sql.update(
                "UPDATE components_deployments SET status = 'CANCELED' WHERE job_id = ? AND status"
                    + " = ?",
                jobId,
                ACTIVE));
  }

  ObjectNode delete(ObjectNode input) {
    DeploymentRow row = required(input);
    if (row.active()) {
      throw Faults.conflict(
          "DEPLOYMENT",
          row.id(),
          "Deployment " + row.id() + " is ACTIVE; cancel it before you delete it");
    }
    store.write(
        sql -> {
          sql.update("DELETE FROM components_effective WHERE deployment_id = ?", row.id());
          return sql.update("DELETE FROM components_deployments WHERE id = ?", row.id());
        });
    tags.removeAll(arns.own("deployments:" + row.id()));
    dropDocument.accept(row.id());
    return Json.object();
  }

  /** The document of a deployment as its device gets it; for GetDeploymentConfiguration. */
  Optional<String> document(String deploymentId, String core) {
    return find(deploymentId)
        .flatMap(
            r ->
                switch (r.kind()) {
                  case V1_GROUP -> core.equals(r.core()) ? groupDocument(r) : Optional.empty();
                  case THING -> r.targetName().equals(core) ? asked(r) : Optional.empty();
                  default ->
                      registry.thingGroupsOf(core).contains(r.targetName())
                          ? asked(r)
                          : Optional.empty();
                });
  }

  private static Optional<String> asked(DeploymentRow row) {
    return Optional.of(
        DeploymentRequests.document(
                row,
                DeploymentRequests.components(
                    row.request().get("components"), DeploymentRequests.Existence.CHECKED))
            .toJson()
            .toString());
  }

  private Optional<String> groupDocument(DeploymentRow row) {
    return store.read(
        sql ->
            sql.one(
                "SELECT document FROM components_group_documents WHERE deployment_id = ?",
                r -> r.text("document"),
                row.id()));
  }

  /** Names of the pseudo groups through which V1 groups belong to a core. */
  List<String> hiddenGroupsOf(String core) {
    return store.read(
        sql ->
            sql.list(
                "SELECT group_key FROM components_hidden_groups WHERE core = ? ORDER BY group_key",
                r -> r.text("group_key").substring(r.text("group_key").indexOf('/') + 1),
                core));
  }
}
