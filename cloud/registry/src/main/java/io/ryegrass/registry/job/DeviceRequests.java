package io.ryegrass.registry.job;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Reads what devices send, with the bounds of the model of {@code iot-jobs-data}. */
final class DeviceRequests {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final Pattern DETAIL_KEY = Pattern.compile("[a-zA-Z0-9:_-]{1,128}");
  private static final int MAX_DETAILS = 10;
  private static final int MAX_DETAIL_BYTES = 1024;
  private static final long MAX_STEP_MINUTES = 10_080;

  private DeviceRequests() {}

  static JsonNode parse(byte[] payload) {
    if (payload.length == 0) {
      return JSON.createObjectNode();
    }
    try {
      JsonNode request = JSON.readTree(payload);
      if (request.isObject()) {
        return request;
      }
    } catch (JacksonException e) {
      throw new JobException("InvalidJson", "the payload is not JSON: " + e.getOriginalMessage());
    }
    throw new JobException("InvalidJson", "the payload is not a JSON object");
  }

  static ExecutionLife.Update update(JsonNode request) {
    return new ExecutionLife.Update(
        status(request),
        details(request.get("statusDetails")),
        number(request, "expectedVersion"),
        number(request, "executionNumber"),
        stepMinutes(request));
  }

  static ExecutionLife.Update start(JsonNode request) {
    return new ExecutionLife.Update(
        ExecutionStatus.IN_PROGRESS,
        details(request.get("statusDetails")),
        null,
        null,
        stepMinutes(request));
  }

  private static ExecutionStatus status(JsonNode request) {
    return switch (request.path("status").asString("")) {
      case "IN_PROGRESS" -> ExecutionStatus.IN_PROGRESS;
      case "SUCCEEDED" -> ExecutionStatus.SUCCEEDED;
      case "FAILED" -> ExecutionStatus.FAILED;
      case "REJECTED" -> ExecutionStatus.REJECTED;
      default ->
          throw new JobException(
              "InvalidRequest", "status must be IN_PROGRESS, SUCCEEDED, FAILED or REJECTED");
    };
  }

  /** Null when there are none; at most ten strings. */
  static @Nullable Map<String, String> details(@Nullable JsonNode details) {
    if (details == null || details.isNull()) {
      return null;
    }
    if (!details.isObject()) {
      throw new JobException("InvalidRequest", "statusDetails must be an object of strings");
    }
    if (details.size() > MAX_DETAILS) {
      throw new JobException(
          "InvalidRequest", "statusDetails may have at most " + MAX_DETAILS + " name/value pairs");
    }
    Map<String, String> read = new LinkedHashMap<>();
    details.properties().forEach(d -> read.put(key(d.getKey()), value(d.getKey(), d.getValue())));
    return read;
  }

  private static String key(String key) {
    if (!DETAIL_KEY.matcher(key).matches()) {
      throw new JobException(
          "InvalidRequest",
          "names of statusDetails have 1 to 128 of the characters a-z, A-Z, 0-9, ':', '_', '-'");
    }
    return key;
  }

  private static String value(String key, JsonNode value) {
    String text = value.isString() ? value.asString() : "";
    if (text.isEmpty()
        || text.getBytes(StandardCharsets.UTF_8).length > MAX_DETAIL_BYTES
        || text.codePoints().anyMatch(DeviceRequests::isOther)) {
      throw new JobException(
          "InvalidRequest",
          "statusDetails '"
              + key
              + "' must be a string of 1 to "
              + MAX_DETAIL_BYTES
              + " bytes without control characters");
    }
    return text;
  }

  /** Unicode's categories C, as the model's pattern has them. */
  private static boolean isOther(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED ->
          true;
      default -> false;
    };
  }

  private static @Nullable Long stepMinutes(JsonNode request) {
    Long minutes = number(request, "stepTimeoutInMinutes");
    if (minutes != null && minutes != -1 && (minutes < 1 || minutes > MAX_STEP_MINUTES)) {
      throw new JobException(
          "InvalidRequest",
          "stepTimeoutInMinutes must be between 1 and " + MAX_STEP_MINUTES + ", or -1");
    }
    return minutes;
  }

  static @Nullable Long number(JsonNode request, String member) {
    JsonNode number = request.get(member);
    if (number == null || number.isNull()) {
      return null;
    }
    String text = number.isIntegralNumber() || number.isString() ? number.asString() : "";
    try {
      return Long.valueOf(text); // AWS writes numbers as texts in some of its examples
    } catch (NumberFormatException e) {
      throw new JobException("InvalidRequest", member + " must be a whole number");
    }
  }
}
