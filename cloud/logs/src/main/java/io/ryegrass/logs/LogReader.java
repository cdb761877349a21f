package io.ryegrass.logs;

import static io.ryegrass.logs.LogGroups.object;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.logs.LogTables.Chunk;
import io.ryegrass.logs.LogTables.Event;
import io.ryegrass.logs.LogTables.Group;
import io.ryegrass.logs.LogTables.Place;
import io.ryegrass.logs.LogTables.Range;
import io.ryegrass.logs.LogTables.Stream;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * GetLogEvents and FilterLogEvents.
 *
 * <p>A token is a place in the order of (time, id); behind it or before it is what the next page
 * holds. At the end of a stream the same token comes back, which is how clients know, and finds
 * what arrives later. A page holds 1 MiB at most. FilterLogEvents looks at a bounded number of
 * bytes in one call, so a page may be empty and have a successor, as AWS's may.
 */
final class LogReader {
  private static final int MAX_EVENTS = 10_000;
  private static final int MAX_PAGE_BYTES = 1 << 20;

  /** What one call looks at, in bytes; an event counts as if it were that much larger. */
  private static final long MAX_SCANNED = 64 << 20;

  private static final int SCAN_COST = 500;

  private final CloudStore store;
  private final LogGroups groups;
  private final Clock clock;

  LogReader(CloudStore store, LogGroups groups, Clock clock) {
    this.store = store;
    this.groups = groups;
    this.clock = clock;
  }

  // ---- one stream

  ObjectNode get(CallContext c, ObjectNode in) {
    String groupName = groups.named(in);
    String token = in.path("nextToken").asString("");
    boolean forward = in.path("startFromHead").asBoolean(false);
    Place place = forward ? Place.BEFORE_ALL : Place.AFTER_ALL;
    if (!token.isEmpty()) {
      forward = token.startsWith("f/");
      if (!forward && !token.startsWith("b/")) {
        throw Faults.badToken();
      }
      List<String> parts = Tokens.parts(token.substring(2), "e", 2);
      place = new Place(Tokens.number(parts.getFirst()), Tokens.number(parts.getLast()));
    }
    int limit = in.path("limit").asInt(MAX_EVENTS);
    long until = in.path("endTime").asLong(Long.MAX_VALUE);
    return page(
        groupName,
        in.path("logStreamName").asString(""),
        place,
        forward,
        in.path("startTime").asLong(0),
        until == Long.MAX_VALUE ? until : until - 1, // an event at endTime is not in it
        limit);
  }

  private ObjectNode page(
      String groupName,
      String streamName,
      Place place,
      boolean forward,
      long from,
      long until,
      int limit) {
    return store.read(
        sql -> {
          Group group = LogGroups.required(sql, groupName);
          Stream stream = LogStreams.required(sql, group, streamName);
          long start = Math.max(from, group.expiry(clock.millis()));
          List<Event> events = new ArrayList<>();
          Place at = place;
          long bytes = 0;
          boolean more = true;
          Range range = new Range("stream_id", stream.id(), start, until);
          while (more && events.size() < limit) {
            Chunk chunk = LogTables.events(sql, range, at, forward, limit - events.size());
            more = !chunk.last();
            for (Event row : chunk.events()) {
              if (!events.isEmpty() && bytes + row.size() > MAX_PAGE_BYTES) {
                more = false;
                break;
              }
              events.add(row);
              bytes += row.size();
              at = new Place(row.time(), row.id());
            }
          }
          return answer(forward ? events : events.reversed(), place, forward);
        });
  }

  private static ObjectNode answer(List<Event> events, Place place, boolean forward) {
    ObjectNode out = object();
    ArrayNode shown = out.putArray("events");
    for (Event e : events) {
      shown
          .addObject()
          .put("timestamp", e.time())
          .put("message", e.message())
          .put("ingestionTime", e.ingested());
    }
    Place back;
    Place ahead;
    if (events.isEmpty()) {
      // the token of the direction of reading stays; the other one takes the same place in
      back = forward && place.id() != Long.MIN_VALUE ? next(place, 1) : place;
      ahead = forward || place.id() == Long.MAX_VALUE ? place : next(place, -1);
      if (!forward && place.equals(Place.AFTER_ALL)) {
        ahead = Place.BEFORE_ALL; // nothing is there yet: whatever comes is new
        back = Place.BEFORE_ALL;
      }
    } else {
      back = new Place(events.getFirst().time(), events.getFirst().id());
      ahead = new Place(events.getLast().time(), events.getLast().id());
    }
    return out.put("nextForwardToken", "f/" + Tokens.of("e", ahead.time(), ahead.id()))
        .put("nextBackwardToken", "b/" + Tokens.of("e", back.time(), back.id()));
  }

  private static Place next(Place place, int step) {
    return new Place(place.time(), place.id() + step);
  }

  // ---- a group

  ObjectNode filter(CallContext c, ObjectNode in) {
    String groupName = groups.named(in);
    String prefix = in.path("logStreamNamePrefix").asString("");
    if (in.has("logStreamNames") && !prefix.isEmpty()) {
      throw Faults.invalid("logStreamNamePrefix and logStreamNames are mutually exclusive.");
    }
    Predicate<String> pattern = FilterPattern.parse(in.path("filterPattern").asString(""));
    String token = in.path("nextToken").asString("");
    Place start = Place.BEFORE_ALL;
    if (!token.isEmpty()) {
      List<String> parts = Tokens.parts(token, "filter", 2);
      start = new Place(Tokens.number(parts.getFirst()), Tokens.number(parts.getLast()));
    }
    long from = in.path("startTime").asLong(0);
    long until = in.path("endTime").asLong(Long.MAX_VALUE);
    int limit = in.path("limit").asInt(MAX_EVENTS);
    Place place = start;
    return store.read(
        sql -> {
          Group group = LogGroups.required(sql, groupName);
          Map<Long, String> streams = streams(sql, group, in.path("logStreamNames"), prefix);
          long kept = Math.max(from, group.expiry(clock.millis()));
          return scan(new Search(group, streams, pattern, kept, until, limit), place, sql);
        });
  }

  /**
   * @param streams those that count, by id
   */
  private record Search(
      Group group,
      Map<Long, String> streams,
      Predicate<String> pattern,
      long from,
      long until,
      int limit) {}

  private static ObjectNode scan(Search search, Place start, Sql sql) {
    boolean oneStream = search.streams().size() == 1;
    Range range =
        oneStream
            ? new Range(
                "stream_id",
                search.streams().keySet().iterator().next(),
                search.from(),
                search.until())
            : new Range("group_id", search.group().id(), search.from(), search.until());
    ObjectNode out = object();
    ArrayNode shown = out.putArray("events");
    out.putArray("searchedLogStreams"); // AWS fills it no longer
    Place at = start;
    long bytes = 0;
    long scanned = 0;
    while (!search.streams().isEmpty()) {
      Chunk chunk = LogTables.events(sql, range, at, true, Integer.MAX_VALUE);
      for (Event row : chunk.events()) {
        scanned += row.size() + SCAN_COST;
        String stream = search.streams().get(row.streamId());
        if (stream != null && search.pattern().test(row.message())) {
          bytes += row.size();
          if (shown.size() == search.limit() || (bytes > MAX_PAGE_BYTES && !shown.isEmpty())) {
            return out.put("nextToken", Tokens.of("filter", at.time(), at.id()));
          }
          shown
              .addObject()
              .put("logStreamName", stream)
              .put("timestamp", row.time())
              .put("message", row.message())
              .put("ingestionTime", row.ingested())
              .put("eventId", eventId(row));
        }
        at = new Place(row.time(), row.id());
      }
      if (chunk.last()) {
        return out;
      }
      if (scanned >= MAX_SCANNED) {
        return out.put("nextToken", Tokens.of("filter", at.time(), at.id()));
      }
    }
    return out;
  }

  private static String eventId(Event event) {
    return String.format("%d%019d", event.time(), event.id());
  }

  private static Map<Long, String> streams(Sql sql, Group group, JsonNode names, String prefix) {
    Map<Long, String> found = new HashMap<>();
    if (!names.isMissingNode()) {
      for (JsonNode name : names) {
        Stream stream = LogStreams.required(sql, group, name.asString(""));
        found.put(stream.id(), stream.name());
      }
      return found;
    }
    sql
        .list(
            "SELECT * FROM log_streams WHERE group_id = ? AND name >= ?",
            LogTables::stream,
            group.id(),
            prefix)
        .stream()
        .filter(s -> s.name().startsWith(prefix))
        .forEach(s -> found.put(s.id(), s.name()));
    return found;
  }
}
