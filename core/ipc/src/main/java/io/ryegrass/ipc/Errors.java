package io.ryegrass.ipc;

import io.ryegrass.eventstream.RpcError;
import io.ryegrass.nucleus.NucleusException;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The modelled errors of the service (v2-ipc.md §5.1), in the form in which AWS's nucleus writes
 * them (§4).
 */
final class Errors {
  static final String NAMESPACE = "aws.greengrass#";
  private static final String SERVICE = "aws.greengrass#GreengrassCoreIPC";

  private Errors() {}

  static RpcError service(String message) {
    return error("ServiceError", message);
  }

  static RpcError invalidArguments(String message) {
    return error("InvalidArgumentsError", message);
  }

  static RpcError unauthorized(String message) {
    return error("UnauthorizedError", message);
  }

  static RpcError notFound(String message, String type, String name) {
    ObjectNode body = body("ResourceNotFoundError", message);
    body.put("resourceType", type).put("resourceName", name);
    return RpcError.modelled(NAMESPACE + "ResourceNotFoundError", body);
  }

  /** An operation of the model whose component does not run here (TRB-18). */
  static RpcError absent(String operation, String component) {
    return service(
        "Operation "
            + NAMESPACE
            + operation
            + " is not supported by Greengrass: component "
            + component
            + " does not run on this core; deploy it");
  }

  static RpcError error(String shape, String message) {
    return RpcError.modelled(NAMESPACE + shape, body(shape, message));
  }

  /** What a nucleus error means to a component. */
  static RpcError of(NucleusException e, String resourceType, String resourceName) {
    String message = text(e);
    return switch (e.code()) {
      case "RESOURCE_NOT_FOUND", "COMPONENT_NOT_FOUND" ->
          notFound(message, resourceType, resourceName);
      case "INVALID_ARGUMENTS", "INVALID_STATE" -> invalidArguments(message);
      case "CONFLICT" -> error("ConflictError", message);
      case "UNAUTHORIZED" -> unauthorized(message);
      default -> service(message);
    };
  }

  static String text(Throwable e) {
    @Nullable String message = e.getMessage();
    return message == null ? e.getClass().getSimpleName() : message;
  }

  private static ObjectNode body(String code, String message) {
    return JsonNodeFactory.instance
        .objectNode()
        .put("_service", SERVICE)
        .put("_message", message)
        .put("_errorCode", code)
        .put("message", message);
  }
}
