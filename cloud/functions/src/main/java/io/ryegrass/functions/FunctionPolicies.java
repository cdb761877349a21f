package io.ryegrass.functions;

import static io.ryegrass.functions.FunctionName.LATEST;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import java.util.List;
import java.util.UUID;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Policies of functions, statement by statement. They are kept and shown; since functions are not
 * invoked here, nothing asks them.
 */
final class FunctionPolicies {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final Pattern ACCOUNT = Pattern.compile("\\d{12}");

  private final CloudStore store;
  private final FunctionDirectory directory;

  FunctionPolicies(CloudStore store, FunctionDirectory directory) {
    this.store = store;
    this.directory = directory;
  }

  ObjectNode add(CallContext c, ObjectNode in) {
    FunctionName name = named(in);
    String sid = in.path("StatementId").asString("");
    return store.write(
        sql -> {
          directory.requiredVersion(sql, name.name(), name.qualifier());
          if (!statements(sql, name, sid).isEmpty()) {
            throw new AwsException(
                "ResourceConflictException",
                409,
                "The statement id ("
                    + sid
                    + ") provided already exists. Please provide a new statement id, or remove the"
                    + " existing statement.");
          }
          checkRevision(sql, name, in);
          ObjectNode statement = statement(in, directory.arn(name.name(), name.qualifier()));
          sql.update(
              "INSERT INTO function_permissions (name, qualifier, place, sid, statement) VALUES (?,"
                  + " ?, (SELECT COALESCE(MAX(place), 0) + 1 FROM function_permissions WHERE name ="
                  + " ? AND qualifier = ?), ?, ?)",
              name.name(),
              name.qualifier(),
              name.name(),
              name.qualifier(),
              sid,
              statement.toString());
          touch(sql, name);
          return JsonNodeFactory.instance.objectNode().put("Statement", statement.toString());
        });
  }

  ObjectNode remove(CallContext c, ObjectNode in) {
    FunctionName name = named(in);
    String sid = in.path("StatementId").asString("");
    return store.write(
        sql -> {
          directory.requiredVersion(sql, name.name(), name.qualifier());
          if (statements(sql, name).isEmpty()) {
            throw notFound("No policy is associated with the given resource.");
          }
          checkRevision(sql, name, in);
          if (sql.update(
                  "DELETE FROM function_permissions WHERE name = ? AND qualifier = ? AND sid = ?",
                  name.name(),
                  name.qualifier(),
                  sid)
              == 0) {
            throw notFound("Statement " + sid + " is not found in resource policy.");
          }
          touch(sql, name);
          return JsonNodeFactory.instance.objectNode();
        });
  }

  ObjectNode get(CallContext c, ObjectNode in) {
    FunctionName name = named(in);
    return store.read(
        sql -> {
          directory.requiredVersion(sql, name.name(), name.qualifier());
          List<String> statements = statements(sql, name);
          if (statements.isEmpty()) {
            throw notFound("The resource you requested does not exist.");
          }
          ObjectNode policy = JsonNodeFactory.instance.objectNode();
          policy.put("Version", "2012-10-17").put("Id", "default");
          ArrayNode list = policy.putArray("Statement");
          statements.forEach(text -> list.add(JSON.readTree(text)));
          return JsonNodeFactory.instance
              .objectNode()
              .put("Policy", policy.toString())
              .put("RevisionId", revision(sql, name));
        });
  }

  private static FunctionName named(ObjectNode in) {
    FunctionName name = FunctionDirectory.name(in);
    if (name.qualifier().equals(LATEST)) {
      throw Calls.invalid("We currently do not support adding policies for $LATEST.");
    }
    return name;
  }

  private static ObjectNode statement(ObjectNode in, String resource) {
    ObjectNode statement = JsonNodeFactory.instance.objectNode();
    statement.put("Sid", in.path("StatementId").asString(""));
    statement.put("Effect", "Allow");
    String principal = in.path("Principal").asString("");
    if (principal.equals("*")) {
      statement.put("Principal", "*");
    } else if (ACCOUNT.matcher(principal).matches()) {
      statement.putObject("Principal").put("AWS", "arn:aws:iam::" + principal + ":root");
    } else if (principal.startsWith("arn:")) {
      statement.putObject("Principal").put("AWS", principal);
    } else {
      statement.putObject("Principal").put("Service", principal);
    }
    statement.put("Action", in.path("Action").asString(""));
    statement.put("Resource", resource);
    ObjectNode equal = JsonNodeFactory.instance.objectNode();
    keep(in, "SourceAccount", equal, "AWS:SourceAccount");
    keep(in, "EventSourceToken", equal, "lambda:EventSourceToken");
    keep(in, "PrincipalOrgID", equal, "aws:PrincipalOrgID");
    keep(in, "FunctionUrlAuthType", equal, "lambda:FunctionUrlAuthType");
    ObjectNode like = JsonNodeFactory.instance.objectNode();
    keep(in, "SourceArn", like, "AWS:SourceArn");
    ObjectNode conditions = JsonNodeFactory.instance.objectNode();
    if (!equal.isEmpty()) {
      conditions.set("StringEquals", equal);
    }
    if (!like.isEmpty()) {
      conditions.set("ArnLike", like);
    }
    if (!conditions.isEmpty()) {
      statement.set("Condition", conditions);
    }
    return statement;
  }

  private static void keep(ObjectNode in, String member, ObjectNode into, String key) {
    JsonNode value = in.path(member);
    if (value.isString()) {
      into.put(key, value.asString());
    }
  }

  private static List<String> statements(Sql sql, FunctionName name) {
    return sql.list(
        "SELECT statement FROM function_permissions WHERE name = ? AND qualifier = ? ORDER BY place",
        row -> row.text("statement"),
        name.name(),
        name.qualifier());
  }

  private static List<String> statements(Sql sql, FunctionName name, String sid) {
    return sql.list(
        "SELECT statement FROM function_permissions WHERE name = ? AND qualifier = ? AND sid = ?",
        row -> row.text("statement"),
        name.name(),
        name.qualifier(),
        sid);
  }

  private static String revision(Sql sql, FunctionName name) {
    return sql.one(
            "SELECT revision FROM function_policy_revisions WHERE name = ? AND qualifier = ?",
            row -> row.text("revision"),
            name.name(),
            name.qualifier())
        .orElse("");
  }

  private static void checkRevision(Sql sql, FunctionName name, ObjectNode in) {
    String wanted = in.path("RevisionId").asString("");
    if (!wanted.isEmpty() && !wanted.equals(revision(sql, name))) {
      throw new AwsException(
          "PreconditionFailedException",
          412,
          "The RevisionId provided does not match the latest RevisionId. Call the GetPolicy API to"
              + " retrieve the latest RevisionId for your resource.");
    }
  }

  private static void touch(Sql sql, FunctionName name) {
    sql.update(
        "DELETE FROM function_policy_revisions WHERE name = ? AND qualifier = ?",
        name.name(),
        name.qualifier());
    sql.update(
        "INSERT INTO function_policy_revisions (name, qualifier, revision) VALUES (?, ?, ?)",
        name.name(),
        name.qualifier(),
        UUID.randomUUID().toString());
  }

  private static AwsException notFound(String message) {
    return new AwsException("ResourceNotFoundException", 404, message);
  }
}
