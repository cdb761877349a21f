package io.ryegrass.registry.job;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.registry.Registry;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What the operations of service {@code iot} about jobs share: members, pages, errors. */
final class JobAnswers {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final int PAGE = 250;

  private JobAnswers() {}

  static ObjectNode object() {
    return JSON.createObjectNode();
  }

  static String text(ObjectNode in, String member) {
    return in.path(member).asString("");
  }

  static @Nullable String textOrNull(ObjectNode in, String member) {
    String text = text(in, member);
    return text.isEmpty() ? null : text;
  }

  static AwsException invalid(String message) {
    return new AwsException("InvalidRequestException", 400, message);
  }

  static AwsException missing(String message) {
    return new AwsException("ResourceNotFoundException", 404, message);
  }

  /** Runs an operation; what jobs refuse becomes an error of the model. */
  static <T extends @Nullable Object> T checked(
      Registry registry, String jobId, Supplier<T> operation) {
    try {
      return operation.get();
    } catch (JobException e) {
      throw error(registry, jobId, e);
    }
  }

  private static AwsException error(Registry registry, String jobId, JobException e) {
    String message = String.valueOf(e.getMessage());
    return switch (e.code()) {
      case "ResourceNotFound" -> missing(message);
      case "ResourceAlreadyExists" ->
          new AwsException(
              "ResourceAlreadyExistsException",
              409,
              message,
              object().put("resourceId", jobId).put("resourceArn", registry.arn("job/" + jobId)));
      case "InvalidStateTransition", "TerminalStateReached" ->
          new AwsException("InvalidStateTransitionException", 409, message);
      case "VersionMismatch" -> new AwsException("VersionConflictException", 409, message);
      case "LimitExceeded" -> new AwsException("LimitExceededException", 410, message);
      default -> invalid(message);
    };
  }

  /** How many items a page has. */
  static int size(ObjectNode in) {
    return Math.clamp(in.path("maxResults").asInt(PAGE), 1, PAGE);
  }

  /**
   * Where a page begins: the parts of the token.
   *
   * @param parts how many there are
   */
  static @Nullable List<String> position(ObjectNode in, int parts) {
    String token = text(in, "nextToken");
    if (token.isEmpty()) {
      return null;
    }
    try {
      List<String> position =
          List.of(
              new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8)
                  .split("/", -1));
      if (position.size() == parts) {
        return position;
      }
    } catch (IllegalArgumentException e) {
      throw invalid("'nextToken' is not a token that this list gave out");
    }
    throw invalid("'nextToken' is not a token that this list gave out");
  }

  static long number(String part) {
    try {
      return Long.parseLong(part);
    } catch (NumberFormatException e) {
      throw invalid("'nextToken' is not a token that this list gave out");
    }
  }

  static String token(Object... parts) {
    StringBuilder token = new StringBuilder();
    for (Object part : parts) {
      token.append(token.isEmpty() ? "" : "/").append(part);
    }
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(token.toString().getBytes(StandardCharsets.UTF_8));
  }
}
