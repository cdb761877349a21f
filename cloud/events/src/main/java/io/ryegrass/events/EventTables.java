package io.ryegrass.events;

import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import io.ryegrass.store.Sql;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The outbox; times are milliseconds since 1970. */
final class EventTables {
  private static final Logger LOG = LoggerFactory.getLogger(EventTables.class);

  static final List<Migration> MIGRATIONS =
      List.of(
          new Migration(
              "events",
              1,
              """
              CREATE TABLE events_outbox (
                target TEXT NOT NULL, seq BIGINT NOT NULL, created BIGINT NOT NULL,
                topic TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (target, seq));
              CREATE TABLE events_dead (
                target TEXT NOT NULL, seq BIGINT NOT NULL, created BIGINT NOT NULL,
                died BIGINT NOT NULL, reason TEXT NOT NULL, body TEXT NOT NULL,
                PRIMARY KEY (target, seq));
              CREATE TABLE events_targets (
                target TEXT NOT NULL PRIMARY KEY, next_seq BIGINT NOT NULL,
                delivered BIGINT NOT NULL, dead BIGINT NOT NULL)
              """));

  private EventTables() {}

  /** A row of the outbox. */
  record Letter(long seq, long created, String topic, String body) {}

  static void prepare(Sql sql, String target) {
    if (sql.count("SELECT COUNT(*) AS n FROM events_targets WHERE target = ?", target) == 0) {
      sql.update(
          "INSERT INTO events_targets (target, next_seq, delivered, dead) VALUES (?, 1, 0, 0)",
          target);
    }
  }

  /** What waits for webhooks that are not configured any more goes nowhere. */
  static void forgetOthers(Sql sql, List<String> targets) {
    for (String known : sql.list("SELECT target FROM events_targets", row -> row.text("target"))) {
      if (!targets.contains(known)) {
        int gone = sql.update("DELETE FROM events_outbox WHERE target = ?", known);
        if (gone > 0) {
          LOG.warn("{} events for {} are dropped: it is not configured any more", gone, known);
        }
      }
    }
  }

  static void put(Sql sql, String target, long now, String topic, String body) {
    sql.update("UPDATE events_targets SET next_seq = next_seq + 1 WHERE target = ?", target);
    sql.update(
        "INSERT INTO events_outbox (target, seq, created, topic, body) SELECT target, next_seq - 1,"
            + " ?, ?, ? FROM events_targets WHERE target = ?",
        now,
        topic,
        body,
        target);
  }

  static List<Letter> oldest(CloudStore store, String target, int count) {
    return store.read(
        sql ->
            sql.list(
                "SELECT seq, created, topic, body FROM events_outbox WHERE target = ? ORDER BY seq"
                    + " LIMIT "
                    + count,
                row ->
                    new Letter(
                        row.number("seq"),
                        row.number("created"),
                        row.text("topic"),
                        row.text("body")),
                target));
  }

  /** Removes what was delivered, up to and with a number. */
  static void delivered(Sql sql, String target, long upTo, int count) {
    sql.update("DELETE FROM events_outbox WHERE target = ? AND seq <= ?", target, upTo);
    sql.update(
        "UPDATE events_targets SET delivered = delivered + ? WHERE target = ?",
        (long) count,
        target);
  }

  static void died(Sql sql, String target, Letter letter, String reason, long now, int keep) {
    sql.update("DELETE FROM events_outbox WHERE target = ? AND seq = ?", target, letter.seq());
    sql.update(
        "INSERT INTO events_dead (target, seq, created, died, reason, body) VALUES (?, ?, ?, ?, ?,"
            + " ?)",
        target,
        letter.seq(),
        letter.created(),
        now,
        reason,
        letter.body());
    sql.update("UPDATE events_targets SET dead = dead + 1 WHERE target = ?", target);
    long oldest =
        sql
            .list(
                "SELECT seq FROM events_dead WHERE target = ? ORDER BY seq DESC LIMIT 1 OFFSET "
                    + keep,
                row -> row.number("seq"),
                target)
            .stream()
            .findFirst()
            .orElse(-1L);
    sql.update("DELETE FROM events_dead WHERE target = ? AND seq <= ?", target, oldest);
  }
}
