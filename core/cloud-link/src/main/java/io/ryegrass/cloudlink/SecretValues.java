package io.ryegrass.cloudlink;

import io.ryegrass.model.Json;
import io.ryegrass.nucleus.CloudRefusedException;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.TokenExchangeCredentials;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Values of secrets, fetched with the credentials of the core's role (SCM-01, SEC-01). */
final class SecretValues {
  private static final String TARGET = "secretsmanager.GetSecretValue";

  private final JsonApiCalls calls;
  private final RoleCredentials credentials;
  private final String region;
  private final @Nullable String own;

  /**
   * @param region for secrets whose ARN names none
   * @param own scheme, host and port of the cloud's API; null means AWS's own of the region
   */
  SecretValues(
      DataPlaneClient client,
      RoleCredentials credentials,
      String region,
      @Nullable String own,
      Clock clock) {
    this.calls = new JsonApiCalls(client, clock);
    this.credentials = credentials;
    this.region = region;
    this.own = own;
  }

  /** The answer of GetSecretValue for the version with a label. */
  JsonNode get(String arn, String label) {
    String[] parts = arn.split(":", 5);
    String where = parts.length > 4 && !parts[3].isEmpty() ? parts[3] : region;
    String suffix = where.startsWith("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com";
    URI url =
        URI.create(own == null ? "https://secretsmanager." + where + suffix + "/" : withSlash(own));
    ObjectNode input = Json.object().put("SecretId", arn).put("VersionStage", label);
    String what = "Secret " + arn + " (" + label + ")";
    TokenExchangeCredentials role = credentials.get();
    DataPlaneClient.Answer answer =
        calls.call(what, url, role, where, "secretsmanager", TARGET, input);
    if (answer.status() != 200) {
      throw refusal(what, answer, role);
    }
    return DataPlaneClient.json(what, answer);
  }

  private static String withSlash(String endpoint) {
    return endpoint.endsWith("/") ? endpoint : endpoint + "/";
  }

  /** SEC-07, SEC-14, TRB-21: the cloud's own reason, and what to do about it. */
  private NucleusException refusal(
      String what, DataPlaneClient.Answer answer, TokenExchangeCredentials role) {
    String type = type(answer);
    String text = DataPlaneClient.message(answer);
    String sentence =
        what
            + " cannot be fetched: "
            + answer.status()
            + " "
            + (type.isEmpty() ? text : type + ": " + text);
    if (answer.status() == 429 || answer.status() >= 500 || type.startsWith("Throttling")) {
      return new CloudUnavailableException(sentence);
    }
    if (type.startsWith("ExpiredToken")) {
      credentials.forget(role);
      return new CloudUnavailableException(sentence);
    }
    return switch (type) {
      case "AccessDeniedException" ->
          new CloudRefusedException(
              "ACCESS_DENIED",
              sentence
                  + "; allow secretsmanager:GetSecretValue (and kms:Decrypt for a key of your own)"
                  + " to the role of the core's role alias.");
      case "ResourceNotFoundException" ->
          new CloudRefusedException(
              "RESOURCE_NOT_FOUND",
              sentence + "; create the secret, or take it out of the deployment.");
      default -> new CloudRefusedException("BAD_REQUEST", sentence);
    };
  }

  private static String type(DataPlaneClient.Answer answer) {
    try {
      String type =
          Json.read(new String(answer.body(), StandardCharsets.UTF_8)).path("__type").asString("");
      return type.substring(type.indexOf('#') + 1);
    } catch (JacksonException e) {
      return "";
    }
  }
}
