package io.ryegrass.secrets;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.policy.PolicyDocument;
import io.ryegrass.policy.PolicyException;
import io.ryegrass.secrets.SecretTables.Secret;
import io.ryegrass.store.CloudStore;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Policies that are attached to secrets. */
final class SecretPolicies {
  private static final JsonMapper JSON = JsonMapper.shared();

  private final CloudStore store;
  private final Directory directory;

  SecretPolicies(CloudStore store, Directory directory) {
    this.store = store;
    this.directory = directory;
  }

  ObjectNode put(CallContext c, ObjectNode in) {
    String text = in.path("ResourcePolicy").asString("");
    String fault = fault(text);
    if (fault != null) {
      throw new AwsException("MalformedPolicyDocumentException", 400, fault);
    }
    if (in.path("BlockPublicPolicy").asBoolean(false) && isPublic(text)) {
      throw new AwsException(
          "PublicPolicyException",
          400,
          "The policy allows everybody; name principals or add a Condition, or leave"
              + " BlockPublicPolicy away.");
    }
    return write(in, text);
  }

  ObjectNode delete(CallContext c, ObjectNode in) {
    return write(in, null);
  }

  private ObjectNode write(ObjectNode in, @Nullable String text) {
    return store.write(
        sql -> {
          Secret secret = directory.alive(sql, in);
          sql.update("UPDATE secrets SET policy = ? WHERE arn = ?", text, secret.arn());
          SecretTables.touch(sql, secret.arn(), directory.now());
          return Directory.answer(secret);
        });
  }

  ObjectNode get(CallContext c, ObjectNode in) {
    return store.read(
        sql -> {
          Secret secret = directory.alive(sql, in);
          ObjectNode out = Directory.answer(secret);
          if (secret.policy() != null) {
            out.put("ResourcePolicy", secret.policy());
          }
          return out;
        });
  }

  ObjectNode validate(CallContext c, ObjectNode in) {
    if (in.has("SecretId")) {
      store.read(sql -> directory.alive(sql, in));
    }
    String text = in.path("ResourcePolicy").asString("");
    String fault = fault(text);
    ObjectNode out = Directory.object();
    ArrayNode errors = out.putArray("ValidationErrors");
    if (fault != null) {
      errors.addObject().put("CheckName", "SYNTAX").put("ErrorMessage", fault);
    } else if (isPublic(text)) {
      errors
          .addObject()
          .put("CheckName", "PUBLIC_POLICY")
          .put("ErrorMessage", "The policy allows everybody; name principals or add a Condition.");
    }
    return out.put("PolicyValidationPassed", errors.isEmpty());
  }

  /** What is wrong with a document, or null. */
  private static @Nullable String fault(String text) {
    try {
      PolicyDocument.parse(text);
      for (JsonNode statement : statements(text)) {
        if (!statement.has("Principal")) {
          return "This resource policy contains a syntax error: each Statement needs a Principal";
        }
      }
      return null;
    } catch (PolicyException | JacksonException e) {
      return "This resource policy contains a syntax error: " + e.getMessage();
    }
  }

  private static boolean isPublic(String text) {
    for (JsonNode statement : statements(text)) {
      boolean allows = statement.path("Effect").asString("").equals("Allow");
      if (allows && !statement.has("Condition") && namesEverybody(statement.path("Principal"))) {
        return true;
      }
    }
    return false;
  }

  private static boolean namesEverybody(JsonNode principal) {
    if (principal.isValueNode()) {
      return principal.asString("").equals("*");
    }
    for (JsonNode inner : principal) {
      if (namesEverybody(inner)) {
        return true;
      }
    }
    return false;
  }

  private static List<JsonNode> statements(String text) {
    JsonNode statements = JSON.readTree(text).path("Statement");
    return statements.isArray() ? statements.valueStream().toList() : List.of(statements);
  }
}
