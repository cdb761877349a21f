package io.ryegrass.awsapi;

import io.ryegrass.awsapi.ServiceModel.Operation;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** One way of putting operations into HTTP. */
sealed interface Protocol permits RestJsonProtocol, AwsJsonProtocol, QueryProtocol {

  /** What a handler or the engine has to say when a call fails. */
  record Failure(String code, int status, String message, ObjectNode members) {}

  /** The request's members as a tree. */
  ObjectNode read(
      Operation operation,
      ApiRequest request,
      Map<String, String> labels,
      Map<String, List<String>> query);

  /** The answer of success. */
  ApiResponse write(ServiceModel model, Operation operation, ObjectNode output, String requestId);

  /**
   * The answer of failure.
   *
   * @param model the service, when it was recognised
   */
  ApiResponse error(@Nullable ServiceModel model, Failure failure, String requestId);

  static Map<String, String> headers(String contentType, String requestId) {
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put("Content-Type", contentType);
    headers.put("x-amzn-RequestId", requestId);
    return headers;
  }
}
