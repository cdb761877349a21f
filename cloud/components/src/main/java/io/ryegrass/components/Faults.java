package io.ryegrass.components;

import io.ryegrass.awsapi.AwsException;
import java.util.Map;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The modelled errors of greengrassv2 (botocore greengrassv2 2020-11-30). */
final class Faults {
  private Faults() {}

  static AwsException validation(String field, String message) {
    ObjectNode members = JsonNodeFactory.instance.objectNode();
    members.put("reason", "FIELD_VALIDATION_FAILED");
    members.putArray("fields").addObject().put("name", field).put("message", message);
    return new AwsException("ValidationException", 400, message, members);
  }

  /** With one entry of {@code fields} for each name. */
  static AwsException validation(String message, Map<String, String> problems) {
    ObjectNode members = JsonNodeFactory.instance.objectNode();
    members.put("reason", "FIELD_VALIDATION_FAILED");
    ArrayNode fields = members.putArray("fields");
    problems.forEach(
        (name, problem) -> fields.addObject().put("name", name).put("message", problem));
    return new AwsException("ValidationException", 400, message, members);
  }

  static AwsException notFound(String type, String id, String message) {
    return new AwsException("ResourceNotFoundException", 404, message, resource(type, id));
  }

  static AwsException conflict(String type, String id, String message) {
    return new AwsException("ConflictException", 409, message, resource(type, id));
  }

  static AwsException denied(String message) {
    return new AwsException("AccessDeniedException", 403, message);
  }

  private static ObjectNode resource(String type, String id) {
    return JsonNodeFactory.instance.objectNode().put("resourceId", id).put("resourceType", type);
  }
}
