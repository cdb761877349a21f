package io.ryegrass.groups;

import io.ryegrass.events.Event;
import io.ryegrass.events.EventSink;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Deployments of groups and what is deployed now.
 *
 * <pre>
 *  Building    built and sent                      InProgress
 *  Building    cannot be built                     Failure
 *  InProgress  core succeeded                      Success     group version, core and devices are what is deployed
 *  InProgress  core failed, refused, was stopped   Failure     what is deployed stays as it was
 * </pre>
 *
 * A reset takes the same way with no components; after its success nothing is deployed.
 */
final class DeploymentStore {
  static final Migration TABLES =
      new Migration(
          "groups",
          3,
          """
          CREATE TABLE gg_deployment (
            id VARCHAR(64) PRIMARY KEY,
            group_id VARCHAR(64) NOT NULL,
            seq BIGINT NOT NULL,
            type VARCHAR(30) NOT NULL,
            group_version VARCHAR(64),
            core VARCHAR(128),
            status VARCHAR(20) NOT NULL,
            created BIGINT NOT NULL,
            updated BIGINT NOT NULL,
            error TEXT);
          CREATE UNIQUE INDEX gg_deployment_group ON gg_deployment (group_id, seq);
          CREATE INDEX gg_deployment_status ON gg_deployment (status);
          CREATE TABLE gg_deployed (
            group_id VARCHAR(64) PRIMARY KEY,
            core VARCHAR(128) NOT NULL);
          CREATE TABLE gg_deployment_device (
            deployment_id VARCHAR(64) NOT NULL,
            thing VARCHAR(128) NOT NULL,
            PRIMARY KEY (deployment_id, thing));
          CREATE TABLE gg_deployed_device (
            group_id VARCHAR(64) NOT NULL,
            thing VARCHAR(128) NOT NULL,
            PRIMARY KEY (group_id, thing));
          CREATE INDEX gg_deployed_device_thing ON gg_deployed_device (thing)
          """);

  enum Type {
    NewDeployment,
    Redeployment,
    ResetDeployment,
    ForceResetDeployment;

    boolean reset() {
      return this == ResetDeployment || this == ForceResetDeployment;
    }
  }

  enum Status {
    Building,
    InProgress,
    Success,
    Failure;

    boolean ended() {
      return this == Success || this == Failure;
    }
  }

  record Deployment(
      String id,
      String groupId,
      long seq,
      Type type,
      @Nullable String groupVersion,
      @Nullable String core,
      Status status,
      Instant created,
      Instant updated,
      @Nullable String error) {}

  private final CloudStore store;
  private final EventSink events;
  private final Clock clock;

  DeploymentStore(CloudStore store, EventSink events, Clock clock) {
    this.store = store;
    this.events = events;
    this.clock = clock;
  }

  Deployment create(
      String groupId, Type type, @Nullable String groupVersion, @Nullable String core) {
    return store.write(
        sql -> {
          String id = UUID.randomUUID().toString();
          Instant now = clock.instant();
          sql.update(
              "INSERT INTO gg_deployment (id, group_id, seq, type, group_version, core, status, created, updated, error)"
                  + " VALUES (?, ?, (SELECT COALESCE(MAX(seq), 0) + 1 FROM gg_deployment), ?, ?, ?, ?, ?, ?, NULL)",
              id,
              groupId,
              type,
              groupVersion,
              core,
              Status.Building,
              now,
              now);
          tell(groupId, id, type, Status.Building);
          return find(sql, id).orElseThrow();
        });
  }

  /** NTF-01, NTF-02: each change of state, in the transaction that makes it. */
  private void tell(String groupId, String id, Type type, Status status) {
    events.emit(
        Event.greengrass(
            "Greengrass Deployment Status Change",
            List.of(),
            Shapes.empty()
                .put("group-id", groupId)
                .put("deployment-id", id)
                .put("deployment-type", type.name())
                .put("status", status.name())));
  }

  /** Once what this thread is writing is committed; at once when it is not writing. */
  void afterCommit(Runnable action) {
    store.afterCommit(action);
  }

  Optional<Deployment> find(String id) {
    return store.read(sql -> find(sql, id));
  }

  private static Optional<Deployment> find(Sql sql, String id) {
    return sql.one("SELECT * FROM gg_deployment WHERE id = ?", DeploymentStore::row, id);
  }

  /** Newest first, those numbered below {@code before}. */
  List<Deployment> list(String groupId, long before, int limit) {
    return store.read(
        sql ->
            sql.list(
                "SELECT * FROM gg_deployment WHERE group_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
                DeploymentStore::row,
                groupId,
                before,
                limit));
  }

  Optional<Deployment> latest(String groupId) {
    return list(groupId, Long.MAX_VALUE, 1).stream().findFirst();
  }

  /** Oldest first; what a restart has to take up again. */
  List<Deployment> building(int limit) {
    return store.read(
        sql ->
            sql.list(
                "SELECT * FROM gg_deployment WHERE status = ? ORDER BY seq LIMIT ?",
                DeploymentStore::row,
                Status.Building,
                limit));
  }

  /** Oldest first, those numbered above {@code after}; whose end a restart may have missed. */
  List<Deployment> inProgress(long after, int limit) {
    return store.read(
        sql ->
            sql.list(
                "SELECT * FROM gg_deployment WHERE status = ? AND seq > ? ORDER BY seq LIMIT ?",
                DeploymentStore::row,
                Status.InProgress,
                after,
                limit));
  }

  /** Building → InProgress together with what {@code send} writes: both or nothing. */
  void sent(Deployment deployment, String core, List<String> devices, Runnable send) {
    store.write(
        sql -> {
          sql.update("DELETE FROM gg_deployment_device WHERE deployment_id = ?", deployment.id());
          for (String device : Set.copyOf(devices)) {
            sql.update(
                "INSERT INTO gg_deployment_device (deployment_id, thing) VALUES (?, ?)",
                deployment.id(),
                device);
          }
          int rows =
              sql.update(
                  "UPDATE gg_deployment SET status = ?, core = ?, updated = ? WHERE id = ? AND status = ?",
                  Status.InProgress,
                  core,
                  clock.instant(),
                  deployment.id(),
                  Status.Building);
          if (rows == 1) {
            tell(deployment.groupId(), deployment.id(), deployment.type(), Status.InProgress);
            send.run();
          }
          return rows;
        });
  }

  /** The end of a deployment; one that has ended already stays as it is. */
  void end(String id, boolean success, @Nullable String error) {
    end(id, success, error, deployment -> {});
  }

  /**
   * As above, and {@code alongside} in the same transaction, unless a later deployment of the group
   * is on its way already: then the group is that one's.
   */
  void end(String id, boolean success, @Nullable String error, Consumer<Deployment> alongside) {
    store.write(
        sql -> {
          Optional<Deployment> found = find(sql, id);
          if (found.isEmpty() || found.get().status().ended()) {
            return 0;
          }
          Deployment deployment = found.get();
          sql.update(
              "UPDATE gg_deployment SET status = ?, error = ?, updated = ? WHERE id = ?",
              success ? Status.Success : Status.Failure,
              error,
              clock.instant(),
              id);
          tell(
              deployment.groupId(),
              id,
              deployment.type(),
              success ? Status.Success : Status.Failure);
          if (success) {
            deployed(sql, deployment);
          }
          long later =
              sql.count(
                  "SELECT COUNT(*) AS n FROM gg_deployment WHERE group_id = ? AND seq > ? AND status = ?",
                  deployment.groupId(),
                  deployment.seq(),
                  Status.InProgress);
          if (later == 0) {
            alongside.accept(deployment);
          }
          return 1;
        });
  }

  private static void deployed(Sql sql, Deployment deployment) {
    String group = deployment.groupId();
    sql.update("DELETE FROM gg_deployed WHERE group_id = ?", group);
    sql.update("DELETE FROM gg_deployed_device WHERE group_id = ?", group);
    if (!deployment.type().reset()) {
      sql.update(
          "INSERT INTO gg_deployed (group_id, core) VALUES (?, ?)", group, deployment.core());
      sql.update(
          "INSERT INTO gg_deployed_device (group_id, thing)"
              + " SELECT ?, thing FROM gg_deployment_device WHERE deployment_id = ?",
          group,
          deployment.id());
    }
  }

  boolean isDeployed(String groupId) {
    return deployedCore(groupId).isPresent()
        || latest(groupId).filter(d -> !d.status().ended()).isPresent();
  }

  Optional<String> deployedCore(String groupId) {
    return store.read(
        sql ->
            sql.one(
                "SELECT core FROM gg_deployed WHERE group_id = ?",
                row -> row.text("core"),
                groupId));
  }

  /** The cores that may act for the group: of what is deployed, and of what is on its way. */
  boolean isCore(String groupId, String thing) {
    Supplier<Optional<String>> underWay =
        () -> latest(groupId).filter(d -> d.status() == Status.InProgress).map(Deployment::core);
    return deployedCore(groupId).filter(thing::equals).isPresent()
        || underWay.get().filter(thing::equals).isPresent();
  }

  /** A group that a device belongs to, with its core. */
  record Membership(String groupId, String core) {}

  List<Membership> groupsOf(String device) {
    return store.read(
        sql ->
            sql.list(
                "SELECT d.group_id AS group_id, g.core AS core FROM gg_deployed_device d"
                    + " JOIN gg_deployed g ON g.group_id = d.group_id WHERE d.thing = ?"
                    + " ORDER BY d.group_id LIMIT 100",
                row -> new Membership(row.text("group_id"), row.text("core")),
                device));
  }

  void deleteGroup(String groupId) {
    store.write(
        sql -> {
          sql.update(
              "DELETE FROM gg_deployment_device WHERE deployment_id IN"
                  + " (SELECT id FROM gg_deployment WHERE group_id = ?)",
              groupId);
          return sql.update("DELETE FROM gg_deployment WHERE group_id = ?", groupId);
        });
  }

  private static Deployment row(Row row) {
    return new Deployment(
        row.text("id"),
        row.text("group_id"),
        row.number("seq"),
        Type.valueOf(row.text("type")),
        row.textOrNull("group_version"),
        row.textOrNull("core"),
        Status.valueOf(row.text("status")),
        row.instant("created"),
        row.instant("updated"),
        row.textOrNull("error"));
  }
}
