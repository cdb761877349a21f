package io.ryegrass.nucleus.deploy;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Error codes and their types (v2-deployments.md section 6). */
final class ErrorCodes {
  private static final Map<String, Set<String>> TYPES =
      Map.ofEntries(
          Map.entry(
              "REQUEST_ERROR",
              Set.of(
                  "NUCLEUS_MISSING_REQUIRED_CAPABILITIES",
                  "COMPONENT_CIRCULAR_DEPENDENCY_ERROR",
                  "UNAUTHORIZED_NUCLEUS_MINOR_VERSION_UPDATE",
                  "MISSING_DOCKER_APPLICATION_MANAGER",
                  "MISSING_TOKEN_EXCHANGE_SERVICE",
                  "COMPONENT_VERSION_REQUIREMENTS_NOT_MET",
                  "MULTIPLE_NUCLEUS_RESOLVED_ERROR",
                  "THROTTLING_ERROR",
                  "CONFLICTED_REQUEST",
                  "RESOURCE_NOT_FOUND",
                  "RUN_WITH_CONFIG_NOT_VALID",
                  "UNSUPPORTED_REGION",
                  "IOT_CRED_ENDPOINT_FORMAT_NOT_VALID",
                  "IOT_DATA_ENDPOINT_FORMAT_NOT_VALID",
                  "S3_GET_BUCKET_LOCATION_RESOURCE_NOT_FOUND",
                  "S3_HEAD_OBJECT_RESOURCE_NOT_FOUND",
                  "S3_GET_OBJECT_RESOURCE_NOT_FOUND")),
          Map.entry(
              "PERMISSION_ERROR",
              Set.of(
                  "ACCESS_DENIED",
                  "GET_DEPLOYMENT_CONFIGURATION_ACCESS_DENIED",
                  "GET_COMPONENT_VERSION_ARTIFACT_ACCESS_DENIED",
                  "RESOLVE_COMPONENT_CANDIDATES_ACCESS_DENIED",
                  "CREDENTIAL_ENDPOINT_AUTH_FAILURE",
                  "MISSING_MQTT_CONNECT_POLICY",
                  "GET_ECR_CREDENTIAL_ERROR",
                  "USER_NOT_AUTHORIZED_FOR_DOCKER",
                  "S3_GET_BUCKET_LOCATION_ACCESS_DENIED",
                  "S3_ACCESS_DENIED",
                  "S3_HEAD_OBJECT_ACCESS_DENIED",
                  "S3_GET_OBJECT_ACCESS_DENIED")),
          Map.entry(
              "NETWORK_ERROR",
              Set.of("NETWORK_ERROR", "MQTT_CONNECTION_FAILED", "TLS_HANDSHAKE_FAILURE")),
          Map.entry(
              "HTTP_ERROR",
              Set.of(
                  "HTTP_REQUEST_ERROR",
                  "DOWNLOAD_DEPLOYMENT_DOCUMENT_ERROR",
                  "GET_GREENGRASS_ARTIFACT_SIZE_ERROR",
                  "DOWNLOAD_GREENGRASS_ARTIFACT_ERROR")),
          Map.entry(
              "SERVER_ERROR",
              Set.of("SERVER_ERROR", "CREDENTIAL_ENDPOINT_SERVER_ERROR", "S3_SERVER_ERROR")),
          Map.entry(
              "CLOUD_SERVICE_ERROR",
              Set.of(
                  "RESOLVE_COMPONENT_CANDIDATES_BAD_RESPONSE",
                  "DEPLOYMENT_DOCUMENT_SIZE_EXCEEDED",
                  "GREENGRASS_ARTIFACT_SIZE_NOT_FOUND")),
          Map.entry(
              "NUCLEUS_ERROR",
              Set.of(
                  "BAD_REQUEST",
                  "NUCLEUS_VERSION_NOT_FOUND",
                  "NUCLEUS_RESTART_FAILURE",
                  "COMPONENT_LOAD_FAILURE")),
          Map.entry(
              "DEVICE_ERROR",
              Set.of(
                  "IO_WRITE_ERROR",
                  "IO_READ_ERROR",
                  "IO_FAILED",
                  "DISK_SPACE_CRITICAL",
                  "IO_FILE_ATTRIBUTE_ERROR",
                  "SET_PERMISSION_ERROR",
                  "IO_UNZIP_ERROR",
                  "LOCAL_RECIPE_NOT_FOUND",
                  "LOCAL_RECIPE_CORRUPTED",
                  "LOCAL_RECIPE_METADATA_NOT_FOUND",
                  "LAUNCH_DIRECTORY_CORRUPTED",
                  "DEVICE_CONFIG_NOT_VALID_FOR_ARTIFACT_DOWNLOAD",
                  "HASHING_ALGORITHM_UNAVAILABLE")),
          Map.entry(
              "COMPONENT_RECIPE_ERROR",
              Set.of(
                  "RECIPE_PARSE_ERROR",
                  "RECIPE_METADATA_PARSE_ERROR",
                  "ARTIFACT_URI_NOT_VALID",
                  "S3_ARTIFACT_URI_NOT_VALID",
                  "DOCKER_ARTIFACT_URI_NOT_VALID",
                  "EMPTY_ARTIFACT_URI",
                  "EMPTY_ARTIFACT_SCHEME",
                  "UNSUPPORTED_ARTIFACT_SCHEME",
                  "RECIPE_MISSING_MANIFEST",
                  "RECIPE_MISSING_ARTIFACT_HASH_ALGORITHM",
                  "ARTIFACT_CHECKSUM_MISMATCH",
                  "COMPONENT_DEPENDENCY_NOT_VALID",
                  "CONFIG_INTERPOLATE_ERROR",
                  "COMPONENT_VERSION_NOT_VALID")),
          Map.entry(
              "DEPENDENCY_ERROR",
              Set.of(
                  "DOCKER_ERROR",
                  "DOCKER_SERVICE_UNAVAILABLE",
                  "DOCKER_IMAGE_QUERY_ERROR",
                  "DOCKER_LOGIN_ERROR",
                  "DOCKER_PULL_ERROR",
                  "DOCKER_IMAGE_NOT_VALID",
                  "S3_ERROR",
                  "S3_RESOURCE_NOT_FOUND",
                  "S3_BAD_REQUEST")),
          Map.entry("USER_COMPONENT_ERROR", Set.of("CUSTOM_PLUGIN_NOT_SUPPORTED")));

  private ErrorCodes() {}

  /** Distinct types of a stack of codes; codes without a type add none. */
  static List<String> types(List<String> stack) {
    Set<String> found = new LinkedHashSet<>();
    for (String code : stack) {
      TYPES.forEach(
          (type, codes) -> {
            if (codes.contains(code)) {
              found.add(type);
            }
          });
    }
    return new ArrayList<>(found);
  }
}
