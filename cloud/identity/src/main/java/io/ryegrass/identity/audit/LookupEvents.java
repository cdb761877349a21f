package io.ryegrass.identity.audit;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Row;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** CloudTrail's LookupEvents: one attribute at most, a range of time, newest first. */
final class LookupEvents {

  private static final int PAGE = 50;

  private static final Map<String, String> COLUMNS =
      Map.of(
          "EventId", "event_id",
          "EventName", "event_name",
          "EventSource", "event_source",
          "Username", "user_name",
          "AccessKeyId", "access_key_id",
          "ResourceType", "resource_type",
          "ResourceName", "resource_name");

  private final CloudStore store;
  private final Runnable flush;

  LookupEvents(CloudStore store, Runnable flush) {
    this.store = store;
    this.flush = flush;
  }

  ServiceOperations operations() {
    return ServiceOperations.of("cloudtrail").json("LookupEvents", this::lookup).build();
  }

  private ObjectNode lookup(CallContext call, ObjectNode input) {
    flush.run();
    int size = input.path("MaxResults").asInt(PAGE);
    List<Object> arguments = new ArrayList<>();
    StringBuilder sql = new StringBuilder("SELECT * FROM audit_events WHERE 1 = 1");
    JsonNode attributes = input.path("LookupAttributes");
    if (attributes.size() > 1) {
      throw new AwsException(
          "InvalidLookupAttributesException", 400, "Only one lookup attribute may be given.");
    }
    if (attributes.size() == 1) {
      String key = attributes.path(0).path("AttributeKey").asString("");
      String value = attributes.path(0).path("AttributeValue").asString("");
      if (key.equals("ReadOnly")) {
        sql.append(value.equals("false") ? "" : " AND 1 = 0"); // only changes are recorded
      } else {
        sql.append(" AND ").append(COLUMNS.get(key)).append(" = ?");
        arguments.add(value);
      }
    }
    long start = input.path("StartTime").asLong(0) * 1000;
    long end = input.has("EndTime") ? input.path("EndTime").asLong() * 1000 + 999 : Long.MAX_VALUE;
    if (start > end) {
      throw new AwsException(
          "InvalidTimeRangeException", 400, "The start time must be before the end time.");
    }
    sql.append(" AND time >= ? AND time <= ?");
    arguments.add(start);
    arguments.add(end);
    if (input.has("NextToken")) {
      sql.append(" AND event_id < ?");
      arguments.add(decoded(input.path("NextToken").asString("")));
    }
    sql.append(" ORDER BY event_id DESC LIMIT ").append(size + 1);
    List<ObjectNode> found =
        store.read(s -> s.list(sql.toString(), LookupEvents::event, arguments.toArray()));
    ObjectNode answer = JsonNodeFactory.instance.objectNode();
    ArrayNode events = answer.putArray("Events");
    found.stream().limit(size).forEach(events::add);
    if (found.size() > size) {
      String last = found.get(size - 1).path("EventId").asString("");
      answer.put(
          "NextToken", Base64.getEncoder().encodeToString(last.getBytes(StandardCharsets.UTF_8)));
    }
    return answer;
  }

  private static String decoded(String token) {
    try {
      String id = new String(Base64.getDecoder().decode(token), StandardCharsets.UTF_8);
      if (id.length() == 36) {
        return id;
      }
    } catch (IllegalArgumentException e) {
      throw badToken(e);
    }
    throw badToken(null);
  }

  private static AwsException badToken(@org.jspecify.annotations.Nullable Exception cause) {
    AwsException e =
        new AwsException("InvalidNextTokenException", 400, "The next token is invalid.");
    if (cause != null) {
      e.initCause(cause);
    }
    return e;
  }

  private static ObjectNode event(Row row) {
    ObjectNode event =
        JsonNodeFactory.instance
            .objectNode()
            .put("EventId", row.text("event_id"))
            .put("EventName", row.text("event_name"))
            .put("ReadOnly", "false")
            .put("EventTime", row.instant("time").getEpochSecond())
            .put("EventSource", row.text("event_source"))
            .put("Username", row.text("user_name"))
            .put("CloudTrailEvent", row.text("record"));
    if (!row.text("access_key_id").isEmpty()) {
      event.put("AccessKeyId", row.text("access_key_id"));
    }
    ArrayNode resources = event.putArray("Resources");
    String name = row.textOrNull("resource_name");
    if (name != null) {
      resources
          .addObject()
          .put("ResourceType", row.text("resource_type"))
          .put("ResourceName", name);
    }
    return event;
  }
}
