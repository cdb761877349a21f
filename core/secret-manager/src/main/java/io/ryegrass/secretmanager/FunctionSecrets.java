package io.ryegrass.secretmanager;

import io.ryegrass.model.Json;
import io.ryegrass.nucleus.BuiltInContext;
import io.ryegrass.nucleus.ComponentStatus;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.policy.AccessControl;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * V1's {@code GGSecretManager}: JSON in, JSON out, errors as {@code Status} and {@code Message}
 * (v1-lambda-runtime.md section 11.2, SEC-13). A function gets the secrets that its component's
 * {@code accessControl} names, which the group compiler fills from the function's resource access.
 */
final class FunctionSecrets {
  private static final String OPERATION = "aws.greengrass#GetSecretValue";
  private static final List<String> ARN = List.of("lambdaArn");
  private static final int KNOWN = 2000;

  private final BuiltInContext core;
  private final SecretManager secrets;

  /** Function → component; checked at each use. */
  private final Map<String, String> components = new ConcurrentHashMap<>();

  FunctionSecrets(BuiltInContext core, SecretManager secrets) {
    this.core = core;
    this.secrets = secrets;
  }

  byte[] answer(String functionArn, byte[] request) {
    JsonNode asked;
    try {
      asked = Json.read(request);
    } catch (JacksonException e) {
      return error(400, "The request is not JSON.");
    }
    String id = text(asked, "SecretId");
    String versionId = text(asked, "VersionId");
    String stage = text(asked, "VersionStage");
    if (id == null) {
      return error(400, "SecretId is missing: give the name or the ARN of a secret.");
    }
    if (versionId != null && stage != null) {
      return error(400, "Only one of VersionId and VersionStage can be given.");
    }
    List<Held> found = secrets.matching(id);
    if (found.isEmpty()) {
      return error(404, "Secret " + id + " is not on this core; add it to the group's resources.");
    }
    Held secret = found.stream().filter(h -> allowed(functionArn, h)).findFirst().orElse(null);
    if (secret == null) {
      return error(
          403,
          "Function "
              + functionArn
              + " is not authorized to read secret "
              + id
              + "; attach the secret resource to it.");
    }
    Optional<Held.Version> version = SecretManager.version(secret, versionId, stage);
    if (version.isEmpty()) {
      return error(
          404,
          "Secret "
              + id
              + " has no version "
              + (versionId == null ? "with label " + stage : versionId)
              + " on this core.");
    }
    try {
      return success(secret, version.get());
    } catch (NucleusException e) {
      return error(500, String.valueOf(e.getMessage()));
    }
  }

  private byte[] success(Held secret, Held.Version version) {
    byte[] value = secrets.value(secret, version);
    ObjectNode body =
        Json.object()
            .put("ARN", secret.arn())
            .put("Name", secret.name())
            .put("VersionId", version.id())
            .put("CreatedDate", version.created());
    if (version.binary()) {
      body.put("SecretBinary", Base64.getEncoder().encodeToString(value));
    } else {
      body.put("SecretString", new String(value, StandardCharsets.UTF_8));
    }
    ArrayNode stages = body.putArray("VersionStages");
    version.stages().forEach(stages::add);
    return Json.bytes(body);
  }

  static byte[] error(int status, String message) {
    return Json.bytes(Json.object().put("Status", status).put("Message", message));
  }

  /** By the full ARN, or by the one that the group has. */
  private boolean allowed(String functionArn, Held secret) {
    String component = component(functionArn);
    if (component == null) {
      return false;
    }
    AccessControl policies = core.components().accessControl();
    return allows(policies, component, secret.arn()) || allows(policies, component, secret.asked());
  }

  private static boolean allows(AccessControl policies, String component, String resource) {
    return policies.allows(
        SecretManager.NAME, component, OPERATION, resource, AccessControl.Style.STANDARD);
  }

  private @Nullable String component(String functionArn) {
    String known = components.get(functionArn);
    if (known != null && isOf(known, functionArn)) {
      return known;
    }
    for (ComponentStatus one : core.components().list()) {
      if (isOf(one.name(), functionArn)) {
        if (components.size() >= KNOWN) {
          components.clear();
        }
        components.put(functionArn, one.name());
        return one.name();
      }
    }
    return null;
  }

  private boolean isOf(String component, String functionArn) {
    return core.config()
        .find(component, ARN)
        .filter(arn -> arn.asString("").equals(functionArn))
        .isPresent();
  }

  private static @Nullable String text(JsonNode asked, String member) {
    String text = asked.path(member).asString("");
    return text.isEmpty() ? null : text;
  }
}
