package io.ryegrass.cloudapp;

import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.events.EventService;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Our own operations on events: where they go, and which never arrived. */
final class EventsApi {
  private static final double MILLIS = 1000.0;

  private EventsApi() {}

  static ServiceOperations of(EventService events) {
    return ServiceOperations.of("ryegrass")
        .json("ListEventTargets", (context, input) -> targets(events))
        .json(
            "ListDeadEvents", (context, input) -> dead(events, input.path("maxResults").asInt(100)))
        .build();
  }

  private static ObjectNode targets(EventService events) {
    ObjectNode result = JsonNodeFactory.instance.objectNode();
    ArrayNode targets = result.putArray("targets");
    for (EventService.TargetState target : events.targets()) {
      targets
          .addObject()
          .put("target", target.target())
          .put("waiting", target.waiting())
          .put("delivered", target.delivered())
          .put("dead", target.dead());
    }
    return result;
  }

  private static ObjectNode dead(EventService events, int atMost) {
    ObjectNode result = JsonNodeFactory.instance.objectNode();
    ArrayNode list = result.putArray("events");
    for (EventService.DeadLetter letter : events.deadLetters(atMost)) {
      list.addObject()
          .put("target", letter.target())
          .put("createdTimestamp", letter.created().toEpochMilli() / MILLIS)
          .put("deadTimestamp", letter.died().toEpochMilli() / MILLIS)
          .put("reason", letter.reason())
          .put("event", letter.body());
    }
    return result;
  }
}
