package io.ryegrass.model.shadow;

import io.ryegrass.model.Json;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** What a shadow service answers and announces, by the shapes of mqtt-cloud, section 3.1. */
public final class ShadowAnswers {
  private ShadowAnswers() {}

  /**
   * {@code update/accepted}: the requested state with the time of each of its leaves, nulls too.
   */
  public static ObjectNode accepted(JsonNode request, ShadowDocument after, long seconds) {
    ObjectNode accepted = Json.object();
    JsonNode requested = request.path("state").deepCopy();
    if (requested instanceof ObjectNode sections) {
      sections.remove(ShadowDocument.DELTA);
    }
    accepted.set("state", requested);
    accepted.set("metadata", ShadowDocument.timestamps(requested, seconds));
    accepted.put("version", after.version()).put("timestamp", seconds);
    copyToken(request, accepted);
    return accepted;
  }

  /** {@code update/delta}; only for a difference that is not empty. */
  public static ObjectNode delta(
      JsonNode request, ShadowDocument.Delta delta, long version, long seconds) {
    ObjectNode message = Json.object();
    message.put("version", version).put("timestamp", seconds);
    message.set("state", delta.state());
    message.set("metadata", delta.metadata());
    copyToken(request, message);
    return message;
  }

  /** {@code update/documents}; a shadow that was not there has no previous document. */
  public static ObjectNode documents(
      JsonNode request, ShadowDocument before, ShadowDocument after, long seconds) {
    ObjectNode documents = Json.object();
    if (!before.isEmpty()) {
      documents.set("previous", part(before));
    }
    documents.set("current", part(after));
    documents.put("timestamp", seconds);
    copyToken(request, documents);
    return documents;
  }

  /** {@code …/rejected}. */
  public static ObjectNode rejected(ShadowException refusal, JsonNode request, long seconds) {
    ObjectNode rejected = Json.object();
    rejected.put("code", refusal.code()).put("message", refusal.getMessage());
    if (refusal.code() != 404) { // where AWS leaves it out
      rejected.put("timestamp", seconds);
    }
    copyToken(request, rejected);
    return rejected;
  }

  /** {@code get/accepted}: the whole document with its delta. */
  public static ObjectNode whole(ShadowDocument document, long seconds) {
    ObjectNode whole = part(document).deepCopy();
    ShadowDocument.Delta delta = document.delta();
    if (!delta.isEmpty()) {
      ((ObjectNode) whole.path("state")).set(ShadowDocument.DELTA, delta.state());
    }
    return whole.put("timestamp", seconds);
  }

  /** {@code delete/accepted}. */
  public static ObjectNode deleted(JsonNode request, long version, long seconds) {
    ObjectNode answer = Json.object().put("version", version).put("timestamp", seconds);
    copyToken(request, answer);
    return answer;
  }

  /** An answer carries its request's token. */
  public static void copyToken(JsonNode request, ObjectNode answer) {
    JsonNode token = request.get("clientToken");
    if (token != null && token.isString()) {
      answer.set("clientToken", token);
    }
  }

  private static ObjectNode part(ShadowDocument document) {
    ObjectNode part = Json.object();
    part.set("state", document.state());
    part.set("metadata", document.metadata());
    return part.put("version", document.version());
  }
}
