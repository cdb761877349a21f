package io.ryegrass.identity;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What all IAM operations share.
 *
 * @param policies to be told of each change
 */
record Iam(CloudStore store, Policies policies, RandomIds ids, String accountId, Clock clock) {

  private static final int PAGE = 100;

  /** What policies, tags and names belong to. */
  enum Kind {
    USER("User", "identity_users", "user_name"),
    ROLE("Role", "identity_roles", "role_name"),
    GROUP("Group", "identity_groups", "group_name"),
    PROFILE("InstanceProfile", "identity_instance_profiles", "profile_name");

    final String title;
    final String table;
    final String column;

    Kind(String title, String table, String column) {
      this.title = title;
      this.table = table;
      this.column = column;
    }

    /** In the columns {@code owner_kind}. */
    String key() {
      return this == PROFILE ? "instance-profile" : name().toLowerCase(Locale.ROOT);
    }

    String name(ObjectNode input) {
      return text(input, title + "Name");
    }

    String arn(String accountId, String path, String name) {
      return "arn:aws:iam::" + accountId + ":" + key() + path + name;
    }

    /** Throws when there is none of this name. */
    void require(Sql sql, String name) {
      if (sql.count("SELECT count(*) AS n FROM " + table + " WHERE " + column + " = ?", name)
          == 0) {
        throw missing(name);
      }
    }

    AwsException missing(String name) {
      return noSuchEntity(
          this == PROFILE
              ? "Instance Profile " + name + " cannot be found."
              : "The " + key() + " with name " + name + " cannot be found.");
    }

    /** Names are unique whatever their case. */
    void requireFree(Sql sql, String name) {
      if (sql.count(
              "SELECT count(*) AS n FROM " + table + " WHERE lower(" + column + ") = ?",
              name.toLowerCase(Locale.ROOT))
          > 0) {
        throw alreadyExists(
            this == PROFILE
                ? "Instance Profile " + name + " already exists."
                : title + " with name " + name + " already exists.");
      }
    }
  }

  static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  /** A required member; the engine has checked that it is there. */
  static String text(ObjectNode input, String member) {
    return input.path(member).asString("");
  }

  static @Nullable String textOrNull(ObjectNode input, String member) {
    return input.has(member) ? input.path(member).asString("") : null;
  }

  static String path(ObjectNode input) {
    return input.path("Path").asString("/");
  }

  static ArrayNode array(List<? extends ObjectNode> items) {
    ArrayNode array = JsonNodeFactory.instance.arrayNode();
    items.forEach(array::add);
    return array;
  }

  /**
   * One page of a list: {@code MaxItems} of those after {@code Marker}, in the order of a key that
   * is unique.
   */
  static <T> ObjectNode page(
      ObjectNode input,
      String member,
      List<T> items,
      Function<T, String> key,
      Function<T, ? extends tools.jackson.databind.JsonNode> node) {
    int size = input.path("MaxItems").asInt(PAGE);
    String after = input.has("Marker") ? decodeMarker(text(input, "Marker")) : null;
    List<T> left =
        items.stream()
            .sorted(Comparator.comparing(key))
            .filter(item -> after == null || key.apply(item).compareTo(after) > 0)
            .toList();
    ObjectNode answer = object();
    ArrayNode shown = answer.putArray(member);
    left.stream().limit(size).forEach(item -> shown.add(node.apply(item)));
    answer.put("IsTruncated", left.size() > size);
    if (left.size() > size) {
      answer.put("Marker", encodeMarker(key.apply(left.get(size - 1))));
    }
    return answer;
  }

  static ObjectNode page(ObjectNode input, String member, List<ObjectNode> items, String key) {
    return page(input, member, items, item -> item.path(key).asString(""), item -> item);
  }

  private static String encodeMarker(String key) {
    return Base64.getUrlEncoder().encodeToString(("after:" + key).getBytes(StandardCharsets.UTF_8));
  }

  private static String decodeMarker(String marker) {
    try {
      String text = new String(Base64.getUrlDecoder().decode(marker), StandardCharsets.UTF_8);
      if (text.startsWith("after:")) {
        return text.substring("after:".length());
      }
    } catch (IllegalArgumentException e) {
      throw validation("Invalid Marker.", e);
    }
    throw validation("Invalid Marker.", null);
  }

  /** IAM answers policy documents percent-encoded (RFC 3986). */
  static String encoded(String document) {
    return URLEncoder.encode(document, StandardCharsets.UTF_8)
        .replace("+", "%20")
        .replace("*", "%2A")
        .replace("%7E", "~");
  }

  static AwsException noSuchEntity(String message) {
    return new AwsException("NoSuchEntity", 404, message);
  }

  static AwsException alreadyExists(String message) {
    return new AwsException("EntityAlreadyExists", 409, message);
  }

  static AwsException deleteConflict(String message) {
    return new AwsException("DeleteConflict", 409, message);
  }

  static AwsException limitExceeded(String quota) {
    return new AwsException("LimitExceeded", 409, "Cannot exceed quota for " + quota);
  }

  static AwsException invalidInput(String message) {
    return new AwsException("InvalidInput", 400, message);
  }

  static AwsException validation(String message, @Nullable Exception cause) {
    AwsException e = new AwsException("ValidationError", 400, message);
    if (cause != null) {
      e.initCause(cause);
    }
    return e;
  }
}
