package io.ryegrass.registry;

import io.ryegrass.awsapi.AwsException;
import java.util.List;
import java.util.function.BiConsumer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** What the operations of the registry share: members, pages and AWS's errors. */
final class Answers {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final int PAGE = 250;

  private Answers() {}

  static ObjectNode object() {
    return JSON.createObjectNode();
  }

  static String text(ObjectNode in, String member) {
    return in.path(member).asString("");
  }

  /**
   * One page of a list; the token is the position of the next item.
   *
   * @param sizeMember what the operation calls its page size
   * @param tokenMember what it calls the token, in and out
   */
  static <T> ObjectNode page(
      ObjectNode in,
      String sizeMember,
      String tokenMember,
      String outTokenMember,
      String listMember,
      List<T> all,
      BiConsumer<T, ArrayNode> write) {
    int from = 0;
    if (in.has(tokenMember)) {
      try {
        from = Integer.parseInt(text(in, tokenMember));
      } catch (NumberFormatException e) {
        throw invalid("'" + tokenMember + "' is not a token that this list gave out");
      }
    }
    int size = in.path(sizeMember).asInt(PAGE);
    int to = Math.min(all.size(), from + Math.max(1, Math.min(size, PAGE)));
    ObjectNode out = object();
    ArrayNode list = out.putArray(listMember);
    all.subList(Math.min(Math.max(0, from), to), to).forEach(item -> write.accept(item, list));
    if (to < all.size()) {
      out.put(outTokenMember, Integer.toString(to));
    }
    return out;
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

  static AwsException exists(String message, String id, String arn) {
    ObjectNode members = object();
    members.put("resourceId", id).put("resourceArn", arn);
    return new AwsException("ResourceAlreadyExistsException", 409, message, members);
  }

  static ObjectNode parse(String json) {
    JsonNode node = JSON.readTree(json);
    return node instanceof ObjectNode object ? object : object();
  }
}
