package io.ryegrass.identity;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.policy.PolicyDocument;
import io.ryegrass.policy.PolicyException;
import io.ryegrass.store.Sql;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Shapes and errors that all IAM operations share. */
final class Iam {
  private Iam() {}

  static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  /** A required member; the engine has checked that it is there. */
  static String text(ObjectNode input, String member) {
    return input.path(member).asString("");
  }

  static @Nullable String textOrNull(ObjectNode input, String member) {
    return input.has(member) ? input.path(member).asString("") : null;
  }

  /** Lists are answered whole; an account of this kind has few of everything. */
  static ObjectNode page(String member, List<ObjectNode> items) {
    ObjectNode answer = object().put("IsTruncated", false);
    answer.set(member, IamOperations.array(items));
    return answer;
  }

  /** IAM answers policy documents percent-encoded (RFC 3986). */
  static String encoded(String document) {
    return URLEncoder.encode(document, StandardCharsets.UTF_8).replace("+", "%20");
  }

  static String checkedDocument(String document) {
    try {
      PolicyDocument.parse(document);
      return document;
    } catch (PolicyException e) {
      throw new AwsException("MalformedPolicyDocument", 400, String.valueOf(e.getMessage()));
    }
  }

  static void requireNoPolicies(Sql sql, String kind, String name) {
    if (sql.count(
            "SELECT count(*) AS n FROM identity_attached_policies WHERE owner_kind = ? AND"
                + " owner_name = ?",
            kind,
            name)
        > 0) {
      throw deleteConflict("Cannot delete entity, must detach all policies first.");
    }
    if (sql.count(
            "SELECT count(*) AS n FROM identity_inline_policies WHERE owner_kind = ? AND"
                + " owner_name = ?",
            kind,
            name)
        > 0) {
      throw deleteConflict("Cannot delete entity, must delete policies first.");
    }
  }

  static AwsException noSuchEntity(String message) {
    return new AwsException("NoSuchEntity", 404, message);
  }

  static AwsException alreadyExists(String message) {
    return new AwsException("EntityAlreadyExists", 409, message);
  }

  static AwsException deleteConflict(String message) {
    return new AwsException("DeleteConflict", 409, message);
  }
}
