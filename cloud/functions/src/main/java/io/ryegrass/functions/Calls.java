package io.ryegrass.functions;

import io.ryegrass.awsapi.AwsException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** What calls have in common: pages, revisions, refusals. */
final class Calls {
  private Calls() {}

  static String checkRevision(ObjectNode in, JsonNode current, String operation) {
    String wanted = in.path("RevisionId").asString("");
    String actual = current.path("RevisionId").asString("");
    if (!wanted.isEmpty() && !wanted.equals(actual)) {
      throw new AwsException(
          "PreconditionFailedException",
          412,
          "The Revision Id provided does not match the latest Revision Id. Call the "
              + operation
              + " API to retrieve the latest Revision Id");
    }
    return actual;
  }

  static int pageSize(ObjectNode in) {
    return Math.clamp(in.path("MaxItems").asInt(50), 1, 50);
  }

  static String marker(String last) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(last.getBytes(StandardCharsets.UTF_8));
  }

  static String marker(ObjectNode in) {
    try {
      return new String(
          Base64.getUrlDecoder().decode(in.path("Marker").asString("")), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw invalid("The Marker is not one that this service gave; start again without it.");
    }
  }

  static AwsException invalid(String message) {
    return new AwsException("InvalidParameterValueException", 400, message);
  }
}
