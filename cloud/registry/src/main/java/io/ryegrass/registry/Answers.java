package io.ryegrass.registry;

import io.ryegrass.awsapi.AwsException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Function;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** What the operations of the registry share: members, pages and AWS's errors. */
final class Answers {
  private static final JsonMapper JSON = JsonMapper.shared();

  /** What the operations of a family call the size and the token of a page. */
  enum Paging {
    /** Things, groups and what belongs to them. */
    RESULTS("maxResults", "nextToken", "nextToken", 50),
    /** Certificates, policies and role aliases. */
    MARKED("pageSize", "marker", "nextMarker", 250);

    final String size;
    final String token;
    final String outToken;

    /** Items of a page when the request does not say; no operation gives more than 250. */
    final int standard;

    Paging(String size, String token, String outToken, int standard) {
      this.size = size;
      this.token = token;
      this.outToken = outToken;
      this.standard = standard;
    }

    int size(ObjectNode in) {
      return Math.max(1, Math.min(in.path(size).asInt(standard), 250));
    }

    /** The key of the last item of the page before; empty on the first page. */
    String after(ObjectNode in) {
      String given = text(in, token);
      try {
        return new String(Base64.getUrlDecoder().decode(given), StandardCharsets.UTF_8);
      } catch (IllegalArgumentException e) {
        throw invalid("'" + token + "' is not a token that this list gave out");
      }
    }

    void next(ObjectNode out, String key) {
      out.put(
          outToken,
          Base64.getUrlEncoder()
              .withoutPadding()
              .encodeToString(key.getBytes(StandardCharsets.UTF_8)));
    }
  }

  private Answers() {}

  static ObjectNode object() {
    return JSON.createObjectNode();
  }

  static String text(ObjectNode in, String member) {
    return in.path(member).asString("");
  }

  /** A page of texts, in their own order. */
  static ObjectNode page(ObjectNode in, Paging paging, String listMember, List<String> all) {
    return page(in, paging, listMember, all, t -> t, false, (t, out) -> out.add(t));
  }

  /** A page of named things, in the order of their names. */
  static <T> ObjectNode page(
      ObjectNode in,
      Paging paging,
      String listMember,
      List<T> all,
      Function<T, String> key,
      BiConsumer<T, ArrayNode> write) {
    return page(in, paging, listMember, all, key, false, write);
  }

  /**
   * One page of a list. The token names the last item that was given out, so that a page is not
   * displaced by what is made or deleted between two calls.
   *
   * @param key gives the place of an item in the order; no two items share one
   * @param descending the greatest key first
   */
  static <T> ObjectNode page(
      ObjectNode in,
      Paging paging,
      String listMember,
      List<T> all,
      Function<T, String> key,
      boolean descending,
      BiConsumer<T, ArrayNode> write) {
    Comparator<String> order =
        descending ? Comparator.<String>naturalOrder().reversed() : Comparator.naturalOrder();
    boolean first = !in.has(paging.token);
    String after = first ? "" : paging.after(in);
    List<T> rest =
        all.stream()
            .filter(item -> first || order.compare(key.apply(item), after) > 0)
            .sorted(Comparator.comparing(key, order))
            .toList();
    int size = Math.min(paging.size(in), rest.size());
    ObjectNode out = object();
    ArrayNode list = out.putArray(listMember);
    rest.subList(0, size).forEach(item -> write.accept(item, list));
    if (size < rest.size()) {
      paging.next(out, key.apply(rest.get(size - 1)));
    }
    return out;
  }

  /** The place of something among others that were made at other moments. */
  static String moment(long millis, String name) {
    return "%015d %s".formatted(millis, name);
  }

  static AwsException missing(String message) {
    return new AwsException("ResourceNotFoundException", 404, message);
  }

  static AwsException invalid(String message) {
    return new AwsException("InvalidRequestException", 400, message);
  }

  static AwsException conflict(String code, String message) {
    return new AwsException(code, 409, message);
  }

  static AwsException limit(String message) {
    return new AwsException("LimitExceededException", 410, message);
  }

  /** Refuses a change whose {@code expectedVersion} is not the present one. */
  static void checkVersion(ObjectNode in, String what, long version) {
    if (in.has("expectedVersion") && in.path("expectedVersion").asLong() != version) {
      throw conflict(
          "VersionConflictException",
          "The version for " + what + " does not match the expected version.");
    }
  }

  static AwsException exists(String message, String id, String arn) {
    ObjectNode members = object();
    members.put("resourceId", id).put("resourceArn", arn);
    return new AwsException("ResourceAlreadyExistsException", 409, message, members);
  }

  static ObjectNode parse(String json) {
    JsonNode node = JSON.readTree(json);
    return node instanceof ObjectNode object ? object : object();
  }

  static ArrayNode parseList(String json) {
    JsonNode node = JSON.readTree(json);
    return node instanceof ArrayNode list ? list : JSON.createArrayNode();
  }
}
