package io.ryegrass.awsapi;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One AWS service as its model describes it. Immutable.
 *
 * @param name our name of the service, such as {@code greengrassv2}
 * @param signingName name in the credential scope of signatures
 * @param targetPrefix before the dot in {@code X-Amz-Target}, for awsJson services
 * @param errors error shapes by every name they go by: shape name, SDK class name, error code
 */
record ServiceModel(
    String name,
    ProtocolName protocol,
    String signingName,
    @Nullable String targetPrefix,
    String jsonVersion,
    String xmlNamespace,
    Map<String, Operation> operations,
    Map<String, Shape> errors) {

  enum ProtocolName {
    REST_JSON,
    JSON,
    QUERY
  }

  /**
   * One operation.
   *
   * @param segments the route's path, split at slashes
   * @param queryLiterals query parameters that the route demands, an empty value meaning any
   * @param responseCode status of success
   * @param input structure of the request, absent when it has none
   * @param output structure of the answer, absent when it has none
   */
  record Operation(
      String name,
      String method,
      List<String> segments,
      Map<String, String> queryLiterals,
      int responseCode,
      @Nullable Shape input,
      @Nullable Shape output,
      @Nullable String resultWrapper) {}

  @Nullable Shape error(String name) {
    Shape shape = errors.get(name);
    if (shape == null && name.endsWith("Exception")) {
      shape = errors.get(name.substring(0, name.length() - "Exception".length()));
    }
    return shape;
  }
}
