package io.ryegrass.model.shadow;

import io.ryegrass.model.Json;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The arithmetic of one shadow: merge, metadata and difference, without I/O or clock (mqtt-cloud,
 * section 3.2). Instances are not changed after they were made.
 *
 * @param state {@code desired} and {@code reported}, each only when it has content
 * @param metadata the same trees with a timestamp for each leaf
 * @param version 1 for the first; goes on counting over a deletion
 */
public record ShadowDocument(ObjectNode state, ObjectNode metadata, long version) {
  /** The two parts of a state. */
  public static final List<String> SECTIONS = List.of("desired", "reported");

  /** What a state has beside them when it is asked for. */
  public static final String DELTA = "delta";

  /** How large both sections together may be unless told otherwise; metadata is not counted. */
  public static final int MAX_BYTES = 8192;

  private static final int MAX_DEPTH = 6;
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  /** Where counting starts, or goes on after a deletion. */
  public static ShadowDocument empty(long version) {
    return new ShadowDocument(NODES.objectNode(), NODES.objectNode(), version);
  }

  /** Whether neither section has content. */
  public boolean isEmpty() {
    return state.isEmpty();
  }

  /**
   * As {@link #updated(ObjectNode, long, int)}, with the limit that holds unless told otherwise.
   */
  public ShadowDocument updated(@Nullable ObjectNode requestState, long seconds) {
    return updated(requestState, seconds, MAX_BYTES);
  }

  /**
   * The document after an update.
   *
   * @param requestState the request's {@code state}, checked by {@link #check}; null clears all
   * @param seconds the time of the update
   * @param maxBytes how large both sections together may be
   * @throws ShadowException 413 when the result is too large
   */
  public ShadowDocument updated(@Nullable ObjectNode requestState, long seconds, int maxBytes) {
    ObjectNode newState = requestState == null ? NODES.objectNode() : state.deepCopy();
    ObjectNode newMetadata = requestState == null ? NODES.objectNode() : metadata.deepCopy();
    if (requestState != null) {
      for (String section : SECTIONS) {
        JsonNode patch = requestState.get(section);
        if (patch == null) {
          continue;
        }
        if (patch.isNull()) {
          newState.remove(section);
          newMetadata.remove(section);
        } else {
          merge(child(newState, section), child(newMetadata, section), (ObjectNode) patch, seconds);
          dropWhenEmpty(newState, newMetadata, section);
        }
      }
    }
    int size = 0;
    for (JsonNode section : newState) {
      size += Json.bytes(section).length;
    }
    if (size > maxBytes) {
      throw new ShadowException(413, "The payload exceeds the maximum size allowed");
    }
    return new ShadowDocument(newState, newMetadata, version + 1);
  }

  /**
   * Null deletes a key, objects are merged, everything else replaces. An object that is given empty
   * is kept empty, as AWS does; one of which nothing but nulls is known is not begun.
   */
  private static void merge(ObjectNode state, ObjectNode metadata, ObjectNode patch, long seconds) {
    for (Map.Entry<String, JsonNode> field : patch.properties()) {
      String key = field.getKey();
      JsonNode value = field.getValue();
      if (value.isNull()) {
        state.remove(key);
        metadata.remove(key);
      } else if (value instanceof ObjectNode object) {
        if (state.get(key) instanceof ObjectNode known) {
          merge(known, child(metadata, key), object, seconds);
        } else {
          begin(state, metadata, key, object, seconds);
        }
      } else {
        state.set(key, value.deepCopy());
        metadata.set(key, timestamps(value, seconds));
      }
    }
  }

  private static void begin(
      ObjectNode state, ObjectNode metadata, String key, ObjectNode object, long seconds) {
    ObjectNode branch = NODES.objectNode();
    ObjectNode times = NODES.objectNode();
    merge(branch, times, object, seconds);
    if (branch.isEmpty() && !object.isEmpty()) {
      state.remove(key);
      metadata.remove(key);
    } else {
      state.set(key, branch);
      metadata.set(key, times);
    }
  }

  private static ObjectNode child(ObjectNode parent, String key) {
    return parent.get(key) instanceof ObjectNode known ? known : parent.putObject(key);
  }

  /** A section without content is not there. */
  private static void dropWhenEmpty(ObjectNode state, ObjectNode metadata, String section) {
    if (state.get(section) instanceof ObjectNode object && object.isEmpty()) {
      state.remove(section);
      metadata.remove(section);
    }
  }

  /** The tree with each leaf replaced by the time of its change. */
  public static JsonNode timestamps(JsonNode value, long seconds) {
    return switch (value) {
      case ObjectNode object -> {
        ObjectNode times = NODES.objectNode();
        object.properties().forEach(f -> times.set(f.getKey(), timestamps(f.getValue(), seconds)));
        yield times;
      }
      case ArrayNode array -> {
        ArrayNode times = NODES.arrayNode();
        array.forEach(v -> times.add(timestamps(v, seconds)));
        yield times;
      }
      default -> NODES.objectNode().put("timestamp", seconds);
    };
  }

  /**
   * What desired wants and reported does not have, with the metadata of desired; empty when equal.
   */
  public Delta delta() {
    ObjectNode difference = NODES.objectNode();
    ObjectNode times = NODES.objectNode();
    if (state.get("desired") instanceof ObjectNode desired) {
      JsonNode reported = state.path("reported");
      difference(desired, metadata.path("desired"), reported, difference, times);
    }
    return new Delta(difference, times);
  }

  /** A difference and since when each part of it is wanted. */
  public record Delta(ObjectNode state, ObjectNode metadata) {
    public boolean isEmpty() {
      return state.isEmpty();
    }
  }

  private static void difference(
      ObjectNode desired, JsonNode times, JsonNode reported, ObjectNode out, ObjectNode outTimes) {
    for (Map.Entry<String, JsonNode> field : desired.properties()) {
      String key = field.getKey();
      JsonNode wanted = field.getValue();
      JsonNode actual = reported.get(key);
      if (wanted instanceof ObjectNode object && actual instanceof ObjectNode) {
        ObjectNode inner = NODES.objectNode();
        ObjectNode innerTimes = NODES.objectNode();
        difference(object, times.path(key), actual, inner, innerTimes);
        if (!inner.isEmpty()) {
          out.set(key, inner);
          outTimes.set(key, innerTimes);
        }
      } else if (actual == null || !isSame(wanted, actual)) {
        out.set(key, wanted.deepCopy());
        outTimes.set(key, times.path(key).deepCopy());
      }
    }
  }

  /** Numbers count by their value, wherever they stand. */
  public static boolean isSame(JsonNode a, JsonNode b) {
    if (a.isNumber() && b.isNumber()) {
      return a.decimalValue().compareTo(b.decimalValue()) == 0;
    }
    if (a instanceof ArrayNode one && b instanceof ArrayNode other) {
      if (one.size() != other.size()) {
        return false;
      }
      for (int i = 0; i < one.size(); i++) {
        if (!isSame(one.get(i), other.get(i))) {
          return false;
        }
      }
      return true;
    }
    if (a instanceof ObjectNode one && b instanceof ObjectNode other) {
      return one.size() == other.size()
          && one.properties().stream()
              .allMatch(
                  f -> {
                    JsonNode its = other.get(f.getKey());
                    return its != null && isSame(f.getValue(), its);
                  });
    }
    return a.equals(b);
  }

  /**
   * Checks an update request by the rules of mqtt-cloud, section 3.3.
   *
   * @return the request's state; null when the request clears everything
   */
  public static @Nullable ObjectNode check(JsonNode request) {
    if (!request.isObject()) {
      throw new ShadowException(400, "Invalid JSON");
    }
    JsonNode version = request.get("version");
    if (version != null
        && !version.isNull()
        && !(version.isIntegralNumber() && version.canConvertToLong() && version.asLong() >= 0)) {
      throw new ShadowException(400, "Invalid version");
    }
    checkToken(request);
    JsonNode state = request.get("state");
    if (state == null) {
      throw new ShadowException(400, "Missing required node: state");
    }
    if (state.isNull()) {
      return null;
    }
    if (!(state instanceof ObjectNode object)) {
      throw new ShadowException(400, "State node must be an object");
    }
    for (Map.Entry<String, JsonNode> field : object.properties()) {
      String section = field.getKey();
      JsonNode value = field.getValue();
      if (section.equals(DELTA)) {
        continue; // whoever sends back what it got does no harm
      }
      if (!SECTIONS.contains(section)) {
        throw new ShadowException(400, "State contains an invalid node: '" + section + "'");
      }
      if (value.isNull()) {
        continue;
      }
      if (!value.isObject()) {
        throw new ShadowException(
            400, (section.equals("desired") ? "Desired" : "Reported") + " node must be an object");
      }
      checkTree(value, 1);
    }
    return object;
  }

  /**
   * Checks the version that a request names: it is the current one. A shadow that is not there can
   * be begun with version 1, or with the one at which it was deleted.
   *
   * @throws ShadowException 409, or 400 where there is no shadow
   */
  public void checkVersion(JsonNode request, boolean present) {
    JsonNode wanted = request.get("version");
    if (wanted == null || wanted.isNull()) {
      return;
    }
    if (!present) {
      if (wanted.asLong() != 1 && wanted.asLong() != version) {
        throw new ShadowException(400, "Invalid version");
      }
    } else if (wanted.asLong() != version) {
      throw new ShadowException(409, "Version conflict");
    }
  }

  /**
   * Reads a request. Only UTF-8 is taken, though a JSON parser would guess at other encodings.
   *
   * @throws ShadowException 400 or 415
   */
  public static JsonNode parse(byte[] document) {
    try {
      String text =
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(document)).toString();
      JsonNode parsed = Json.read(text);
      if (parsed.isMissingNode()) {
        throw new ShadowException(400, "Invalid JSON");
      }
      return parsed;
    } catch (CharacterCodingException e) {
      throw new ShadowException(
          415, "Unsupported documented encoding; supported encoding is UTF-8");
    } catch (JacksonException e) {
      throw new ShadowException(400, "Invalid JSON");
    }
  }

  /** As {@link #parse} for requests that may be empty: nothing is an empty object. */
  public static JsonNode parseOptional(byte[] document) {
    if (document.length == 0) {
      return NODES.objectNode();
    }
    JsonNode request = parse(document);
    checkToken(request);
    return request;
  }

  /** The token that comes back with the answer: a text of at most 64 bytes. */
  public static void checkToken(JsonNode request) {
    JsonNode token = request.get("clientToken");
    if (token != null
        && (!token.isString() || token.asString().getBytes(StandardCharsets.UTF_8).length > 64)) {
      throw new ShadowException(400, "Invalid clientToken");
    }
  }

  private static void checkTree(JsonNode node, int depth) {
    if (depth > MAX_DEPTH) {
      throw new ShadowException(
          400, "JSON contains too many levels of nesting; maximum is " + MAX_DEPTH);
    }
    for (JsonNode value : node) {
      if (node.isArray() && value.isNull()) {
        throw new ShadowException(400, "State contains an invalid node");
      }
      if (value.isContainer()) {
        checkTree(value, depth + 1);
      }
    }
  }
}
