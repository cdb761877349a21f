package io.ryegrass.logs;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.logs.LogTables.Group;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import java.time.Clock;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Log groups, their retention and tags. */
final class LogGroups {
  /** API reference of PutRetentionPolicy. */
  private static final Set<Integer> RETENTIONS =
      Set.of(
          1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557,
          2922, 3288, 3653);

  private static final int MAX_TAGS = 50;
  private static final int PAGE = 50;
  private static final int ROWS = 200;

  private final CloudStore store;
  private final String prefix;
  private final Clock clock;

  /**
   * @param prefix ARNs of groups without the name
   */
  LogGroups(CloudStore store, String prefix, Clock clock) {
    this.store = store;
    this.prefix = prefix;
    this.clock = clock;
  }

  static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  static Group required(Sql sql, String name) {
    return LogTables.group(sql, name).orElseThrow(Faults::noGroup);
  }

  /** The name in an ARN of a group; other texts are names. */
  String name(String nameOrArn) {
    if (!nameOrArn.startsWith("arn:")) {
      return nameOrArn;
    }
    if (!nameOrArn.startsWith(prefix)) {
      throw Faults.noGroup();
    }
    return nameOrArn.substring(prefix.length());
  }

  /** The group that a request names or identifies. */
  String named(ObjectNode in) {
    boolean byName = in.has("logGroupName");
    if (byName == in.has("logGroupIdentifier")) {
      throw Faults.invalid(
          "Exactly one of logGroupName and logGroupIdentifier must be in the request.");
    }
    return byName
        ? in.path("logGroupName").asString("")
        : name(in.path("logGroupIdentifier").asString(""));
  }

  ObjectNode create(CallContext c, ObjectNode in) {
    String name = in.path("logGroupName").asString("");
    if (name.toLowerCase(Locale.ROOT).startsWith("aws/")) {
      throw Faults.invalid("Log groups starting with AWS/ are reserved for AWS.");
    }
    ObjectNode tags = in.path("tags") instanceof ObjectNode given ? given : object();
    return store.write(
        sql -> {
          if (LogTables.group(sql, name).isPresent()) {
            throw Faults.exists("group");
          }
          LogTables.insert(
              sql,
              new Group(
                  LogTables.allocate(sql, 1),
                  name,
                  clock.millis(),
                  null,
                  in.path("logGroupClass").asString("STANDARD"),
                  in.has("kmsKeyId") ? in.path("kmsKeyId").asString("") : null,
                  tags,
                  0));
          return object();
        });
  }

  ObjectNode delete(CallContext c, ObjectNode in) {
    return changed(
        in.path("logGroupName").asString(""),
        (sql, group) -> {
          LogTables.drop(sql, group.id(), null);
          sql.update("DELETE FROM log_groups WHERE id = ?", group.id());
        });
  }

  ObjectNode describe(CallContext c, ObjectNode in) {
    String start = in.path("logGroupNamePrefix").asString("");
    String part = in.path("logGroupNamePattern").asString("");
    if (!start.isEmpty() && !part.isEmpty()) {
      throw Faults.invalid(
          "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.");
    }
    String wantedClass = in.path("logGroupClass").asString("");
    int most = in.path("limit").asInt(PAGE);
    String token = in.path("nextToken").asString("");
    return store.read(
        sql -> {
          ObjectNode out = object();
          ArrayNode shown = out.putArray("logGroups");
          String last = token.isEmpty() ? "" : Tokens.parts(token, "g", 1).getFirst();
          while (true) {
            List<Group> rows = LogTables.groups(sql, last, ROWS);
            for (Group group : rows) {
              if (group.name().startsWith(start)
                  && group.name().contains(part)
                  && (wantedClass.isEmpty() || wantedClass.equals(group.logClass()))) {
                if (shown.size() == most) {
                  return out.put("nextToken", Tokens.of("g", last));
                }
                shown.add(shape(group));
              }
              last = group.name();
            }
            if (rows.size() < ROWS) {
              return out;
            }
          }
        });
  }

  private ObjectNode shape(Group group) {
    ObjectNode out =
        object()
            .put("logGroupName", group.name())
            .put("creationTime", group.created())
            .put("metricFilterCount", 0)
            .put("arn", prefix + group.name() + ":*")
            .put("logGroupArn", prefix + group.name())
            .put("storedBytes", group.bytes())
            .put("logGroupClass", group.logClass());
    if (group.retention() != null) {
      out.put("retentionInDays", group.retention());
    }
    if (group.kmsKeyId() != null) {
      out.put("kmsKeyId", group.kmsKeyId());
    }
    return out;
  }

  ObjectNode putRetention(CallContext c, ObjectNode in) {
    int days = in.path("retentionInDays").asInt();
    if (!RETENTIONS.contains(days)) {
      throw Faults.invalid(
          "1 validation error detected: Value '"
              + days
              + "' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value"
              + " set: "
              + RETENTIONS.stream().sorted().toList());
    }
    return changed(
        in.path("logGroupName").asString(""),
        (sql, group) ->
            sql.update("UPDATE log_groups SET retention = ? WHERE id = ?", days, group.id()));
  }

  ObjectNode deleteRetention(CallContext c, ObjectNode in) {
    return changed(
        in.path("logGroupName").asString(""),
        (sql, group) ->
            sql.update("UPDATE log_groups SET retention = NULL WHERE id = ?", group.id()));
  }

  private ObjectNode changed(String name, BiConsumer<Sql, Group> change) {
    return store.write(
        sql -> {
          change.accept(sql, required(sql, name));
          return object();
        });
  }

  // ---- tags: by ARN as today, by name as before

  ObjectNode tag(CallContext c, ObjectNode in) {
    return retag(tagged(in), tags -> tags.setAll((ObjectNode) in.path("tags")));
  }

  ObjectNode untag(CallContext c, ObjectNode in) {
    String member = in.has("tagKeys") ? "tagKeys" : "tags";
    return retag(tagged(in), tags -> in.path(member).forEach(key -> tags.remove(key.asString(""))));
  }

  ObjectNode tags(CallContext c, ObjectNode in) {
    String name = tagged(in);
    return store.read(sql -> object().set("tags", required(sql, name).tags()));
  }

  private String tagged(ObjectNode in) {
    return in.has("resourceArn")
        ? name(in.path("resourceArn").asString(""))
        : in.path("logGroupName").asString("");
  }

  private ObjectNode retag(String name, Consumer<ObjectNode> change) {
    return changed(
        name,
        (sql, group) -> {
          ObjectNode tags = group.tags();
          change.accept(tags);
          if (tags.size() > MAX_TAGS) {
            throw new AwsException(
                "TooManyTagsException",
                400,
                "The log group would have " + tags.size() + " tags; " + MAX_TAGS + " are allowed.",
                object().put("resourceName", prefix + name));
          }
          sql.update("UPDATE log_groups SET tags = ? WHERE id = ?", tags.toString(), group.id());
        });
  }
}
