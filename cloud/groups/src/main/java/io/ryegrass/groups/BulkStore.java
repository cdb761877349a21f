package io.ryegrass.groups;

import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * Bulk deployments and their records, one for each line of the input file (BLK rows).
 *
 * <pre>
 *  Initializing  file read and valid      Running     its records are there, all of them
 *  Initializing  file unusable            Failed      with the first error
 *  Running       no record is left        Completed
 *  either        StopBulkDeployment       Stopping    then Stopped, when nothing is under way
 * </pre>
 */
final class BulkStore {
  static final Migration TABLES =
      new Migration(
          "groups",
          5,
          """
          CREATE TABLE gg_bulk (
            id VARCHAR(64) PRIMARY KEY,
            seq BIGINT NOT NULL,
            input_uri VARCHAR(2048) NOT NULL,
            role_arn VARCHAR(2048) NOT NULL,
            client_token VARCHAR(64),
            status VARCHAR(20) NOT NULL,
            created BIGINT NOT NULL,
            error TEXT,
            tags TEXT NOT NULL);
          CREATE UNIQUE INDEX gg_bulk_seq ON gg_bulk (seq);
          CREATE INDEX gg_bulk_token ON gg_bulk (client_token);
          CREATE TABLE gg_bulk_record (
            bulk_id VARCHAR(64) NOT NULL,
            line BIGINT NOT NULL,
            group_id VARCHAR(64) NOT NULL,
            group_version VARCHAR(64) NOT NULL,
            state VARCHAR(20) NOT NULL,
            attempts BIGINT NOT NULL,
            deployment_id VARCHAR(64),
            done BIGINT,
            error TEXT,
            PRIMARY KEY (bulk_id, line));
          CREATE INDEX gg_bulk_record_state ON gg_bulk_record (bulk_id, state, line)
          """);

  enum Status {
    Initializing,
    Running,
    Completed,
    Stopping,
    Stopped,
    Failed;

    boolean ended() {
      return this == Completed || this == Stopped || this == Failed;
    }
  }

  enum RecordState {
    PENDING,
    DEPLOYED,
    INVALID
  }

  record Bulk(
      String id,
      long seq,
      String inputUri,
      String roleArn,
      Status status,
      Instant created,
      @Nullable String error,
      ObjectNode tags) {}

  /** One line of the file. */
  record Line(long number, String groupId, String groupVersion) {}

  record Entry(
      long line,
      String groupId,
      String groupVersion,
      RecordState state,
      int attempts,
      @Nullable String deploymentId,
      @Nullable Instant done,
      @Nullable String error) {}

  record Figures(long processed, long invalid, long retries) {}

  private final CloudStore store;
  private final Clock clock;

  BulkStore(CloudStore store, Clock clock) {
    this.store = store;
    this.clock = clock;
  }

  /** The one that is not at its end; there is at most one. */
  Optional<Bulk> active() {
    return store.read(BulkStore::active);
  }

  private static Optional<Bulk> active(Sql sql) {
    return sql.one(
        "SELECT * FROM gg_bulk WHERE status IN (?, ?, ?) ORDER BY seq LIMIT 1",
        BulkStore::row,
        Status.Initializing,
        Status.Running,
        Status.Stopping);
  }

  /**
   * A new one; or the one of the same token, when its parameters are the same.
   *
   * @throws io.ryegrass.awsapi.AwsException another one is not at its end; or the token was used
   *     with other parameters
   */
  Bulk create(String inputUri, String roleArn, @Nullable String token, ObjectNode tags) {
    return store.write(
        sql -> {
          Optional<Bulk> same =
              token == null
                  ? Optional.empty()
                  : sql.one("SELECT * FROM gg_bulk WHERE client_token = ?", BulkStore::row, token);
          if (same.isPresent()) {
            if (!same.get().inputUri().equals(inputUri) || !same.get().roleArn().equals(roleArn)) {
              throw V1Errors.badRequest(
                  "The client token "
                      + token
                      + " was used for another bulk deployment; take a new one.");
            }
            return same.get();
          }
          active(sql)
              .ifPresent(
                  other -> {
                    throw V1Errors.badRequest(
                        "Concurrent Deployment Error: bulk deployment "
                            + other.id()
                            + " is "
                            + other.status()
                            + "; wait for its end or stop it.");
                  });
          String id = UUID.randomUUID().toString();
          sql.update(
              "INSERT INTO gg_bulk (id, seq, input_uri, role_arn, client_token, status, created, error, tags)"
                  + " VALUES (?, (SELECT COALESCE(MAX(seq), 0) + 1 FROM gg_bulk), ?, ?, ?, ?, ?, NULL, ?)",
              id,
              inputUri,
              roleArn,
              token,
              Status.Initializing,
              clock.instant(),
              tags.toString());
          return find(sql, id).orElseThrow();
        });
  }

  /** Once what this thread is writing is committed; at once when it is not writing. */
  void afterCommit(Runnable action) {
    store.afterCommit(action);
  }

  Optional<Bulk> find(String id) {
    return store.read(sql -> find(sql, id));
  }

  private static Optional<Bulk> find(Sql sql, String id) {
    return sql.one("SELECT * FROM gg_bulk WHERE id = ?", BulkStore::row, id);
  }

  /** Newest first, those numbered below {@code before}. */
  List<Bulk> list(long before, int limit) {
    return store.read(
        sql ->
            sql.list(
                "SELECT * FROM gg_bulk WHERE seq < ? ORDER BY seq DESC LIMIT ?",
                BulkStore::row,
                before,
                limit));
  }

  void tag(String id, ObjectNode tags) {
    store.write(sql -> sql.update("UPDATE gg_bulk SET tags = ? WHERE id = ?", tags.toString(), id));
  }

  /** From one of two states to another; false when it was in neither. */
  boolean move(String id, List<Status> from, Status to, @Nullable String error) {
    return store.write(
            sql ->
                sql.update(
                    "UPDATE gg_bulk SET status = ?, error = ? WHERE id = ? AND status IN (?, ?)",
                    to,
                    error,
                    id,
                    from.getFirst(),
                    from.getLast()))
        == 1;
  }

  /** Forgets what a start before this one had read of the file. */
  void clearRecords(String id) {
    store.write(sql -> sql.update("DELETE FROM gg_bulk_record WHERE bulk_id = ?", id));
  }

  void addRecords(String id, List<Line> lines) {
    store.write(
        sql -> {
          for (Line line : lines) {
            sql.update(
                "INSERT INTO gg_bulk_record (bulk_id, line, group_id, group_version, state, attempts)"
                    + " VALUES (?, ?, ?, ?, ?, 0)",
                id,
                line.number(),
                line.groupId(),
                line.groupVersion(),
                RecordState.PENDING);
          }
          return lines.size();
        });
  }

  Optional<Entry> nextPending(String id) {
    return store.read(
        sql ->
            sql.one(
                "SELECT * FROM gg_bulk_record WHERE bulk_id = ? AND state = ? ORDER BY line LIMIT 1",
                BulkStore::entry,
                id,
                RecordState.PENDING));
  }

  /** The group's deployment and that this line has it: both or nothing. */
  void deployed(String id, long line, Supplier<String> deployment) {
    store.write(
        sql ->
            sql.update(
                "UPDATE gg_bulk_record SET state = ?, deployment_id = ?, done = ? WHERE bulk_id = ? AND line = ?",
                RecordState.DEPLOYED,
                deployment.get(),
                clock.instant(),
                id,
                line));
  }

  void invalid(String id, long line, String error) {
    store.write(
        sql ->
            sql.update(
                "UPDATE gg_bulk_record SET state = ?, error = ?, done = ? WHERE bulk_id = ? AND line = ?",
                RecordState.INVALID,
                error,
                clock.instant(),
                id,
                line));
  }

  void retried(String id, long line) {
    store.write(
        sql ->
            sql.update(
                "UPDATE gg_bulk_record SET attempts = attempts + 1 WHERE bulk_id = ? AND line = ?",
                id,
                line));
  }

  Figures figures(String id) {
    return store.read(
        sql ->
            sql.one(
                    "SELECT COALESCE(SUM(CASE WHEN state <> ? THEN 1 ELSE 0 END), 0) AS processed,"
                        + " COALESCE(SUM(CASE WHEN state = ? THEN 1 ELSE 0 END), 0) AS invalid,"
                        + " COALESCE(SUM(attempts), 0) AS retries FROM gg_bulk_record WHERE bulk_id = ?",
                    row ->
                        new Figures(
                            row.number("processed"), row.number("invalid"), row.number("retries")),
                    RecordState.PENDING,
                    RecordState.INVALID,
                    id)
                .orElseThrow());
  }

  /** Newest first: the lines below {@code before} that were processed. */
  List<Entry> processed(String id, long before, int limit) {
    return store.read(
        sql ->
            sql.list(
                "SELECT * FROM gg_bulk_record WHERE bulk_id = ? AND line < ? AND state <> ?"
                    + " ORDER BY line DESC LIMIT ?",
                BulkStore::entry,
                id,
                before,
                RecordState.PENDING,
                limit));
  }

  private static Bulk row(Row row) {
    return new Bulk(
        row.text("id"),
        row.number("seq"),
        row.text("input_uri"),
        row.text("role_arn"),
        Status.valueOf(row.text("status")),
        row.instant("created"),
        row.textOrNull("error"),
        (ObjectNode) VersionedStore.JSON.readTree(row.text("tags")));
  }

  private static Entry entry(Row row) {
    return new Entry(
        row.number("line"),
        row.text("group_id"),
        row.text("group_version"),
        RecordState.valueOf(row.text("state")),
        (int) row.number("attempts"),
        row.textOrNull("deployment_id"),
        row.instantOrNull("done"),
        row.textOrNull("error"));
  }
}
