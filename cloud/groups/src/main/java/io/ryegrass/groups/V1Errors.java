package io.ryegrass.groups;

import io.ryegrass.awsapi.AwsException;
import java.util.Locale;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Errors with the codes and texts of the V1 service (v1-group-deployment.md §4, §5). */
final class V1Errors {
  private V1Errors() {}

  /** The one who asks for a definition or group itself. */
  static AwsException noDefinition(Kind kind) {
    return new AwsException(
        "IdNotFoundException", 404, "That " + kind.list + " Definition does not exist.");
  }

  /** The one who asks for its versions, renames or deletes it. */
  static AwsException notFound(Kind kind) {
    return new AwsException(
        "IdNotFoundException",
        404,
        "That " + kind.plural.toLowerCase(Locale.ROOT) + " definition does not exist.");
  }

  /** The one who makes a version of it; the service's words differ from kind to kind. */
  static AwsException noParent(Kind kind) {
    return switch (kind) {
      case FUNCTION, SUBSCRIPTION, GROUP ->
          new AwsException(
              "IdNotFoundException",
              404,
              "That " + kind.plural.toLowerCase(Locale.ROOT) + " does not exist.");
      case RESOURCE ->
          new AwsException("IdNotFoundException", 404, "That resource definition does not exist.");
      default -> notFound(kind);
    };
  }

  static AwsException versionNotFound(Kind kind, String id, String version) {
    return new AwsException(
        kind == Kind.FUNCTION ? "IdNotFoundException" : "VersionNotFoundException",
        404,
        "Version " + version + " of " + kind.list + " Definition " + id + " does not exist.");
  }

  /** A definition or group whose content the service does not take; its code is a number. */
  static AwsException refused(String message) {
    return new AwsException("400", 400, message);
  }

  static AwsException notFound(String message) {
    return new AwsException("ResourceNotFoundException", 404, message);
  }

  /** IAM-09: the code is the number. */
  static AwsException noRole(String message) {
    return new AwsException("404", 404, message);
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

  /**
   * An error with one detail, as {@code GG-303} for a group without a core. Its message is the
   * details once more, as JSON.
   */
  static AwsException detailed(String code, String detailCode, String message) {
    ObjectNode members = JsonNodeFactory.instance.objectNode();
    members
        .putArray("ErrorDetails")
        .addObject()
        .put("DetailedErrorCode", detailCode)
        .put("DetailedErrorMessage", message);
    return new AwsException(code, 400, members.toString(), members);
  }
}
