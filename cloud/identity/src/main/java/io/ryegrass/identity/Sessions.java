package io.ryegrass.identity;

import io.ryegrass.awssignature.AccessKey;
import io.ryegrass.policy.PolicyDocument;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Temporary credentials in the store: of a role, of a user, of a federated user, of the root. They
 * die with the role or user whose they are.
 */
final class Sessions {

  private static final JsonMapper JSON = JsonMapper.shared();

  /**
   * A session to be opened.
   *
   * @param roleName empty unless it is of a role
   * @param userName absent for a role and for the root
   * @param sessionName of the role session, or the name of a federated user, else empty
   * @param policies documents of session policies
   */
  record Wanted(
      String roleName,
      String roleId,
      @Nullable String userName,
      String sessionName,
      @Nullable String thingName,
      List<String> policies,
      Map<String, String> tags) {}

  private Sessions() {}

  static int insert(
      Sql sql, TemporaryCredentials made, Wanted wanted, SecretBox secrets, Instant now) {
    sql.update("DELETE FROM identity_sessions WHERE expires < ?", now.minusSeconds(3600));
    ArrayNode policies = JSON.createArrayNode();
    wanted.policies().forEach(policies::add);
    ObjectNode tags = JSON.createObjectNode();
    wanted.tags().forEach(tags::put);
    return sql.update(
        "INSERT INTO identity_sessions (access_key_id, secret, token, role_name, role_id,"
            + " session_name, thing_name, expires, user_name, policies, tags, issued) VALUES (?, ?,"
            + " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        made.accessKeyId(),
        secrets.seal(made.secretAccessKey(), made.accessKeyId()),
        secrets.seal(made.sessionToken(), made.accessKeyId()),
        wanted.roleName(),
        wanted.roleId(),
        wanted.sessionName(),
        wanted.thingName(),
        made.expiration(),
        wanted.userName(),
        policies.toString(),
        tags.toString(),
        now);
  }

  static Optional<AccessKey> find(Sql sql, String id, String accountId, SecretBox secrets) {
    return sql.one(
        "SELECT s.*, u.user_id, u.arn AS user_arn FROM identity_sessions s LEFT JOIN identity_roles"
            + " r ON r.role_name = s.role_name AND r.role_id = s.role_id LEFT JOIN identity_users u"
            + " ON u.user_name = s.user_name WHERE s.access_key_id = ? AND (s.role_name = '' OR"
            + " r.role_name IS NOT NULL) AND (s.user_name IS NULL OR u.user_name IS NOT NULL)",
        row ->
            new AccessKey(
                id,
                secrets.open(row.text("secret"), id),
                secrets.open(row.text("token"), id),
                row.instant("expires"),
                identity(row, accountId)),
        id);
  }

  private static CallerIdentity identity(Row row, String accountId) {
    Instant issued = row.instantOrNull("issued");
    CallerIdentity.Session session =
        new CallerIdentity.Session(
            policies(row.textOrNull("policies")),
            tags(row.textOrNull("tags")),
            issued == null ? Instant.EPOCH : issued);
    String role = row.text("role_name");
    String name = row.text("session_name");
    if (!role.isEmpty()) {
      return new CallerIdentity(
          accountId,
          roleSessionArn(accountId, role, name),
          row.text("role_id") + ":" + name,
          false,
          role,
          row.textOrNull("thing_name"),
          null,
          session);
    }
    String user = row.textOrNull("user_name");
    if (!name.isEmpty()) {
      return new CallerIdentity(
          accountId,
          "arn:aws:sts::" + accountId + ":federated-user/" + name,
          accountId + ":" + name,
          false,
          null,
          null,
          user,
          limited(session));
    }
    return user == null
        ? new CallerIdentity(
            accountId,
            "arn:aws:iam::" + accountId + ":root",
            accountId,
            true,
            null,
            null,
            null,
            session)
        : new CallerIdentity(
            accountId, row.text("user_arn"), row.text("user_id"), false, null, null, user, session);
  }

  /** A federated user may do what its session's policies say; without any, nothing. */
  private static CallerIdentity.Session limited(CallerIdentity.Session session) {
    return session.policies().isEmpty()
        ? new CallerIdentity.Session(List.of(NOTHING), session.tags(), session.issued())
        : session;
  }

  private static final PolicyDocument NOTHING =
      PolicyDocument.parse(
          "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"none:None\","
              + "\"Resource\":\"*\"}}");

  private static List<PolicyDocument> policies(@Nullable String json) {
    List<PolicyDocument> found = new ArrayList<>();
    if (json != null) {
      JSON.readTree(json).forEach(text -> found.add(PolicyDocument.parse(text.asString(""))));
    }
    return found;
  }

  private static Map<String, String> tags(@Nullable String json) {
    Map<String, String> found = new HashMap<>();
    if (json != null) {
      for (Map.Entry<String, JsonNode> tag : JSON.readTree(json).properties()) {
        found.put(tag.getKey(), tag.getValue().asString(""));
      }
    }
    return found;
  }

  static String roleSessionArn(String accountId, String roleName, String sessionName) {
    return "arn:aws:sts::" + accountId + ":assumed-role/" + roleName + "/" + sessionName;
  }
}
