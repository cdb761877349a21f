package io.ryegrass.logs;

import static io.ryegrass.logs.LogGroups.object;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.logs.LogTables.Event;
import io.ryegrass.logs.LogTables.Group;
import io.ryegrass.logs.LogTables.Stream;
import io.ryegrass.store.CloudStore;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * PutLogEvents, by the rules of its API reference: events in order of time, at most 1 MiB with 26
 * bytes for each event and not more than 24 hours apart; those more than two hours in the future,
 * older than 14 days or older than the group's retention are left out and told. Sequence tokens are
 * taken and mean nothing.
 */
final class LogWriter {
  static final int EVENT_OVERHEAD = 26;
  private static final int MAX_BATCH_BYTES = 1_048_576;
  private static final long MAX_SPAN = Duration.ofHours(24).toMillis();
  private static final long MAX_AHEAD = Duration.ofHours(2).toMillis();
  private static final long MAX_AGE = Duration.ofDays(14).toMillis();

  private final CloudStore store;
  private final Sweeper sweeper;
  private final Clock clock;

  LogWriter(CloudStore store, Sweeper sweeper, Clock clock) {
    this.store = store;
    this.sweeper = sweeper;
    this.clock = clock;
  }

  private record Given(long time, String message, int size) {}

  ObjectNode put(CallContext c, ObjectNode in) {
    List<Given> given = checked(in.path("logEvents"));
    long now = clock.millis();
    ObjectNode answer =
        store.write(
            sql -> {
              Group group = LogGroups.required(sql, in.path("logGroupName").asString(""));
              Stream stream =
                  LogStreams.required(sql, group, in.path("logStreamName").asString(""));
              ObjectNode out = object().put("nextSequenceToken", LogStreams.SEQUENCE_TOKEN);
              List<Given> kept = accepted(given, group, now, out);
              if (kept.isEmpty()) {
                return out;
              }
              long id = LogTables.allocate(sql, kept.size());
              List<Event> events = new ArrayList<>(kept.size());
              long bytes = 0;
              for (Given e : kept) {
                events.add(new Event(stream.id(), e.time(), id++, now, e.size(), e.message()));
                bytes += e.size();
              }
              LogTables.insert(sql, group.id(), events);
              LogTables.addBytes(sql, group.id(), bytes);
              long first = events.getFirst().time();
              long last = events.getLast().time();
              sql.update(
                  "UPDATE log_streams SET first_event = ?, last_event = ?, last_ingestion = ?"
                      + " WHERE id = ?",
                  stream.firstEvent() == null ? first : Math.min(first, stream.firstEvent()),
                  stream.lastEvent() == null ? last : Math.max(last, stream.lastEvent()),
                  now,
                  stream.id());
              return out;
            });
    sweeper.keepBound();
    return answer;
  }

  private static List<Given> checked(JsonNode events) {
    List<Given> given = new ArrayList<>(events.size());
    long bytes = 0;
    for (JsonNode event : events) {
      String message = event.path("message").asString("");
      int size = message.getBytes(StandardCharsets.UTF_8).length + EVENT_OVERHEAD;
      bytes += size;
      given.add(new Given(event.path("timestamp").asLong(), message, size));
    }
    if (bytes > MAX_BATCH_BYTES) {
      throw Faults.invalid(
          "Upload too large: " + bytes + " bytes exceeds limit of " + MAX_BATCH_BYTES);
    }
    for (int i = 1; i < given.size(); i++) {
      if (given.get(i).time() < given.get(i - 1).time()) {
        throw Faults.invalid(
            "Log events in a single PutLogEvents request must be in chronological order.");
      }
    }
    if (given.getLast().time() - given.getFirst().time() > MAX_SPAN) {
      throw Faults.invalid(
          "The batch of log events in a single PutLogEvents request cannot span more than 24"
              + " hours.");
    }
    return given;
  }

  /** What is kept; in an ordered batch the old ones are at its head, the new ones at its tail. */
  private static List<Given> accepted(List<Given> given, Group group, long now, ObjectNode out) {
    int tooOld = count(given, now - MAX_AGE);
    int expired = Math.max(tooOld, count(given, group.expiry(now)));
    int tooNew = count(given, now + MAX_AHEAD + 1);
    if (expired > 0 || tooNew < given.size()) {
      ObjectNode rejected = out.putObject("rejectedLogEventsInfo");
      if (tooOld > 0) {
        rejected.put("tooOldLogEventEndIndex", tooOld);
      }
      if (expired > tooOld) {
        rejected.put("expiredLogEventEndIndex", expired);
      }
      if (tooNew < given.size()) {
        rejected.put("tooNewLogEventStartIndex", tooNew);
      }
    }
    return given.subList(expired, Math.max(expired, tooNew));
  }

  /** How many events are before a moment. */
  private static int count(List<Given> events, long moment) {
    int i = 0;
    while (i < events.size() && events.get(i).time() < moment) {
      i++;
    }
    return i;
  }
}
