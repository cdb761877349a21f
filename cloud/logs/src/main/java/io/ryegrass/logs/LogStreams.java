package io.ryegrass.logs;

import static io.ryegrass.logs.LogGroups.object;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.logs.LogTables.Group;
import io.ryegrass.logs.LogTables.Stream;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import java.time.Clock;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Log streams. */
final class LogStreams {
  /** AWS asks for no token any more and still answers one. */
  static final String SEQUENCE_TOKEN = "49640000000000000000000000000000000000000000000000000000";

  private static final int PAGE = 50;
  private static final int ROWS = 200;

  private final CloudStore store;
  private final LogGroups groups;
  private final String prefix;
  private final Clock clock;

  /**
   * @param prefix ARNs of groups without the name
   */
  LogStreams(CloudStore store, LogGroups groups, String prefix, Clock clock) {
    this.store = store;
    this.groups = groups;
    this.prefix = prefix;
    this.clock = clock;
  }

  ObjectNode create(CallContext c, ObjectNode in) {
    String name = in.path("logStreamName").asString("");
    return store.write(
        sql -> {
          Group group = LogGroups.required(sql, in.path("logGroupName").asString(""));
          if (LogTables.stream(sql, group.id(), name).isPresent()) {
            throw Faults.exists("stream");
          }
          LogTables.insert(
              sql,
              group.id(),
              new Stream(LogTables.allocate(sql, 1), name, clock.millis(), null, null, null));
          return object();
        });
  }

  ObjectNode delete(CallContext c, ObjectNode in) {
    return store.write(
        sql -> {
          Group group = LogGroups.required(sql, in.path("logGroupName").asString(""));
          Stream stream = required(sql, group, in.path("logStreamName").asString(""));
          LogTables.drop(sql, group.id(), stream.id());
          return object();
        });
  }

  static Stream required(Sql sql, Group group, String name) {
    return LogTables.stream(sql, group.id(), name).orElseThrow(Faults::noStream);
  }

  ObjectNode describe(CallContext c, ObjectNode in) {
    String start = in.path("logStreamNamePrefix").asString("");
    boolean byTime = in.path("orderBy").asString("LogStreamName").equals("LastEventTime");
    if (byTime && !start.isEmpty()) {
      throw Faults.invalid("Cannot order by LastEventTime with a logStreamNamePrefix.");
    }
    boolean ascending = !in.path("descending").asBoolean(false);
    int most = in.path("limit").asInt(PAGE);
    String kind = "s" + (byTime ? "t" : "n") + (ascending ? "a" : "d");
    String token = in.path("nextToken").asString("");
    String groupName = groups.named(in);
    return store.read(
        sql -> {
          Group group = LogGroups.required(sql, groupName);
          ObjectNode out = object();
          ArrayNode shown = out.putArray("logStreams");
          Cursor last = token.isEmpty() ? null : Cursor.parse(token, kind);
          while (true) {
            List<Stream> rows = rows(sql, group, byTime, ascending, last);
            for (Stream stream : rows) {
              if (stream.name().startsWith(start)) {
                if (shown.size() == most && last != null) {
                  return out.put("nextToken", last.token(kind));
                }
                shown.add(shape(group, stream));
              }
              last = new Cursor(time(stream), stream.name());
            }
            if (rows.size() < ROWS) {
              return out;
            }
          }
        });
  }

  /** Streams without events come as if their last one had been at the beginning of time. */
  private static long time(Stream stream) {
    return stream.lastEvent() == null ? 0 : stream.lastEvent();
  }

  private record Cursor(long time, String name) {
    static Cursor parse(String token, String kind) {
      List<String> parts = Tokens.parts(token, kind, 2);
      return new Cursor(Tokens.number(parts.getFirst()), parts.getLast());
    }

    String token(String kind) {
      return Tokens.of(kind, time, name);
    }
  }

  private static List<Stream> rows(
      Sql sql, Group group, boolean byTime, boolean ascending, @Nullable Cursor last) {
    String compare = ascending ? ">" : "<";
    String order = ascending ? "ASC" : "DESC";
    String head = "SELECT * FROM log_streams WHERE group_id = ?";
    String tail =
        (byTime ? " ORDER BY COALESCE(last_event, 0) " + order + ", name " : " ORDER BY name ")
            + order
            + " LIMIT "
            + ROWS;
    if (last == null) {
      return sql.list(head + tail, LogTables::stream, group.id());
    }
    if (!byTime) {
      return sql.list(
          head + " AND name " + compare + " ?" + tail, LogTables::stream, group.id(), last.name());
    }
    return sql.list(
        head
            + " AND (COALESCE(last_event, 0) "
            + compare
            + " ? OR (COALESCE(last_event, 0) = ? AND name "
            + compare
            + " ?))"
            + tail,
        LogTables::stream,
        group.id(),
        last.time(),
        last.time(),
        last.name());
  }

  private ObjectNode shape(Group group, Stream stream) {
    ObjectNode out =
        object()
            .put("logStreamName", stream.name())
            .put("creationTime", stream.created())
            .put("arn", prefix + group.name() + ":log-stream:" + stream.name())
            .put("uploadSequenceToken", SEQUENCE_TOKEN)
            .put("storedBytes", 0); // for streams AWS answers 0 since 2019
    if (stream.firstEvent() != null) {
      out.put("firstEventTimestamp", stream.firstEvent());
    }
    if (stream.lastEvent() != null) {
      out.put("lastEventTimestamp", stream.lastEvent());
    }
    if (stream.lastIngestion() != null) {
      out.put("lastIngestionTime", stream.lastIngestion());
    }
    return out;
  }
}
