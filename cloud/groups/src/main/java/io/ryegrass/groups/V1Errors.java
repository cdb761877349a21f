package io.ryegrass.groups;

import io.ryegrass.awsapi.AwsException;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Errors with the codes and texts of the V1 service (v1-group-deployment.md §4, §5). */
final class V1Errors {
  private V1Errors() {}

  static AwsException notFound(Kind kind) {
    return new AwsException(
        "IdNotFoundException",
        404,
        kind == Kind.GROUP
            ? "That Group Definition does not exist."
            : "That " + kind.plural + " definition does not exist.");
  }

  static AwsException versionNotFound(Kind kind, String id, String version) {
    return new AwsException(
        "VersionNotFoundException",
        404,
        "Version " + version + " of " + kind.list + " Definition " + id + " does not exist.");
  }

  static AwsException notFound(String message) {
    return new AwsException("ResourceNotFoundException", 404, message);
  }

  static AwsException invalidInput(String message) {
    return new AwsException("InvalidInputException", 400, message);
  }

  static AwsException emptyUpdate() {
    return new AwsException(
        "InvalidContainerDefinitionException",
        400,
        "Input does not contain any attributes to be updated");
  }

  static AwsException badRequest(String message) {
    return new AwsException("BadRequestException", 400, message);
  }

  static AwsException denied(String message) {
    return new AwsException("AccessDeniedException", 403, message);
  }

  /** An error with one detail, as {@code GG-303} for a group without a core. */
  static AwsException detailed(String code, String detailCode, String message) {
    ObjectNode members = JsonNodeFactory.instance.objectNode();
    members
        .putArray("ErrorDetails")
        .addObject()
        .put("DetailedErrorCode", detailCode)
        .put("DetailedErrorMessage", message);
    return new AwsException(code, 400, message, members);
  }
}
