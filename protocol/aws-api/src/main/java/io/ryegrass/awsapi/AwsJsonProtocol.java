package io.ryegrass.awsapi;

import io.ryegrass.awsapi.ServiceModel.Operation;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * AWS awsJson1.0 and 1.1: the operation in {@code X-Amz-Target}, everything else in a JSON body.
 */
final class AwsJsonProtocol implements Protocol {

  @Override
  public ObjectNode read(
      Operation operation,
      ApiRequest request,
      Map<String, String> labels,
      Map<String, List<String>> query) {
    ObjectNode tree = JsonNodeFactory.instance.objectNode();
    if (operation.input() != null) {
      Trees.readStructure(operation.input(), Trees.parseObject(request.body()), tree, "");
    }
    return tree;
  }

  @Override
  public ApiResponse write(
      ServiceModel model, Operation operation, ObjectNode output, String requestId) {
    Shape shape = operation.output();
    return new ApiResponse(
        200,
        Protocol.headers("application/x-amz-json-" + model.jsonVersion(), requestId),
        shape == null
            ? new byte[0]
            : Trees.JSON.writeValueAsBytes(Trees.writeStructure(shape, output)));
  }

  @Override
  public ApiResponse error(@Nullable ServiceModel model, Failure failure, String requestId) {
    ObjectNode body = RestJsonProtocol.errorBody(model, failure);
    body.put("__type", failure.code());
    String version = model == null ? "1.1" : model.jsonVersion();
    return new ApiResponse(
        failure.status(),
        Protocol.headers("application/x-amz-json-" + version, requestId),
        Trees.JSON.writeValueAsBytes(body));
  }
}
