package io.ryegrass.identity;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.model.Json;
import io.ryegrass.policy.PolicyDocument;
import io.ryegrass.policy.PolicyException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * What IAM says of a policy document that it does not take: {@code MalformedPolicyDocument} with
 * the sentences and in the order of AWS, which is: JSON and grammar, version, "legacy parsing",
 * identifiers of statements, actions, resources, and then the words inside actions.
 */
final class PolicyGrammar {

  private static final Set<String> TOP = Set.of("Version", "Id", "Statement");
  private static final Set<String> FIELDS =
      Set.of("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition");
  private static final Set<String> PRINCIPALS = Set.of("Principal", "NotPrincipal");
  private static final Set<String> PARTITIONS =
      Set.of("aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "*");
  private static final Set<String> ASSUME =
      Set.of(
          "sts:assumerole",
          "sts:assumerolewithsaml",
          "sts:assumerolewithwebidentity",
          "sts:tagsession",
          "sts:setsourceidentity",
          "sts:setcontext",
          "sts:*",
          "*");
  private static final List<String> IAM_PATHS =
      List.of(
          "user/",
          "federated-user/",
          "role/",
          "group/",
          "instance-profile/",
          "mfa/",
          "server-certificate/",
          "policy/",
          "sms-mfa/",
          "saml-provider/",
          "oidc-provider/",
          "report/",
          "access-report/");
  private static final Pattern OPERATOR =
      Pattern.compile(
          "(ForAllValues:|ForAnyValue:)?((Null)|(((String|Numeric|Date|Arn)(Not)?Equals"
              + "|String(Not)?EqualsIgnoreCase|String(Not)?Like|Arn(Not)?Like"
              + "|(Numeric|Date)(Less|Greater)Than(Equals)?|Bool|BinaryEquals|(Not)?IpAddress)"
              + "(IfExists)?))",
          Pattern.CASE_INSENSITIVE);
  private static final Pattern DATE =
      Pattern.compile(
          "-?\\d{4,}(-\\d{2}(-\\d{2}([Tt]\\d{1,2}(:?\\d{2}(:?\\d{2}([.,]\\d{1,9})?)?)?"
              + "([Zz]|[+-]\\d{2}(:?\\d{2})?)?)?)?)?");

  private PolicyGrammar() {}

  /** An identity's policy, or a session's: no principals. */
  static PolicyDocument identityPolicy(String document) {
    JsonNode root = json(document, "Syntax errors in policy.");
    List<JsonNode> statements = syntax(root, false);
    if (!root.path("Version").asString("").equals("2012-10-17")) {
      throw malformed("Policy document must be version 2012-10-17 or greater.");
    }
    legacy(statements);
    uniqueSids(statements);
    for (JsonNode statement : statements) {
      if (texts(statement, "Action", "NotAction").isEmpty()) {
        throw malformed("Policy statement must contain actions.");
      }
    }
    for (JsonNode statement : statements) {
      for (String action : texts(statement, "Action", "NotAction")) {
        if (!action.equals("*") && action.indexOf(':') < 0) {
          throw malformed(
              "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.");
        }
      }
      if (texts(statement, "Resource", "NotResource").isEmpty()) {
        throw malformed("Policy statement must contain resources.");
      }
    }
    statements.forEach(s -> texts(s, "Resource", "NotResource").forEach(PolicyGrammar::resource));
    statements.forEach(s -> texts(s, "Action", "NotAction").forEach(PolicyGrammar::action));
    return parsed(document);
  }

  /** Who may assume a role. */
  static PolicyDocument trustPolicy(String document) {
    JsonNode root = json(document, "This policy contains invalid Json");
    List<JsonNode> statements = syntax(root, true);
    for (JsonNode statement : statements) {
      for (String prohibited : List.of("Resource", "NotResource")) {
        if (statement.has(prohibited)) {
          throw malformed("Has prohibited field " + prohibited);
        }
      }
      if (!statement.has("Principal") && !statement.has("NotPrincipal")) {
        throw malformed("Missing required field Principal");
      }
      List<String> actions = texts(statement, "Action", "NotAction");
      if (actions.isEmpty()) {
        throw malformed("Missing required field Action");
      }
      for (String action : actions) {
        if (!ASSUME.contains(action.toLowerCase(Locale.ROOT))) {
          throw malformed("AssumeRole policy may only specify STS AssumeRole actions.");
        }
      }
    }
    legacy(statements);
    uniqueSids(statements);
    return parsed(document);
  }

  private static JsonNode json(String document, String message) {
    try {
      return Json.readStrictly(document.getBytes(StandardCharsets.UTF_8));
    } catch (JacksonException e) {
      AwsException malformed = malformed(message);
      malformed.initCause(e);
      throw malformed;
    }
  }

  private static PolicyDocument parsed(String document) {
    try {
      return PolicyDocument.parse(document);
    } catch (PolicyException e) {
      AwsException malformed = malformed(String.valueOf(e.getMessage()));
      malformed.initCause(e);
      throw malformed;
    }
  }

  // --- grammar ---------------------------------------------------------------------------------

  private static List<JsonNode> syntax(JsonNode root, boolean trust) {
    requireSyntax(root.isObject() && TOP.containsAll(root.propertyNames()));
    requireSyntax(!root.has("Id") || root.path("Id").isString());
    String version = root.path("Version").asString("2008-10-17");
    requireSyntax(version.equals("2012-10-17") || version.equals("2008-10-17"));
    List<JsonNode> statements = new ArrayList<>();
    JsonNode given = root.path("Statement");
    if (given.isArray()) {
      given.forEach(statements::add);
    } else {
      statements.add(given);
    }
    requireSyntax(!statements.isEmpty());
    statements.forEach(s -> statement(s, trust));
    return statements;
  }

  private static void statement(JsonNode statement, boolean trust) {
    requireSyntax(statement.isObject());
    for (String field : statement.propertyNames()) {
      if (!trust && PRINCIPALS.contains(field)) {
        throw malformed("Policy document should not specify a principal.");
      }
      requireSyntax(FIELDS.contains(field) || (trust && PRINCIPALS.contains(field)));
    }
    requireSyntax(!statement.has("Sid") || statement.path("Sid").isString());
    String effect = statement.path("Effect").asString("").toLowerCase(Locale.ROOT);
    requireSyntax(effect.equals("allow") || effect.equals("deny"));
    for (String name : List.of("Action", "Resource")) {
      requireSyntax(!(statement.has(name) && statement.has("Not" + name)));
      requireSyntax(isTexts(statement.path(name)) && isTexts(statement.path("Not" + name)));
    }
    JsonNode condition = statement.path("Condition");
    requireSyntax(condition.isMissingNode() || condition.isObject());
    for (var operator : condition.properties()) {
      requireSyntax(operator.getValue().isObject());
      requireSyntax(operator.getValue().isEmpty() || OPERATOR.matcher(operator.getKey()).matches());
      for (var key : operator.getValue().properties()) {
        requireSyntax(isScalars(key.getValue()));
      }
    }
  }

  private static boolean isTexts(JsonNode node) {
    if (node.isArray()) {
      for (JsonNode element : node) {
        if (!element.isString()) {
          return false;
        }
      }
      return true;
    }
    return node.isMissingNode() || node.isString();
  }

  private static boolean isScalars(JsonNode node) {
    if (node.isArray()) {
      for (JsonNode element : node) {
        if (!element.isValueNode() || element.isNull()) {
          return false;
        }
      }
      return true;
    }
    return node.isValueNode() && !node.isNull();
  }

  // --- what AWS calls legacy parsing -----------------------------------------------------------

  private static void legacy(List<JsonNode> statements) {
    for (JsonNode statement : statements) {
      String effect = statement.path("Effect").asString("");
      requireLegacy(effect.equals("Allow") || effect.equals("Deny"));
      for (var operator : statement.path("Condition").properties()) {
        if (operator.getKey().contains("Date")) {
          operator.getValue().properties().forEach(key -> dates(key.getValue()));
        }
      }
      for (String resource : texts(statement, "Resource", "NotResource")) {
        String[] parts = resource.split(":", -1);
        if (parts[0].equals("arn") && parts.length > 2 && PARTITIONS.contains(parts[1])) {
          requireLegacy(!parts[2].isEmpty());
          requireLegacy(
              parts.length > 5 || parts.length == 3 || parts[parts.length - 1].endsWith("*"));
        }
      }
    }
  }

  private static void dates(JsonNode values) {
    if (values.isArray()) {
      values.forEach(PolicyGrammar::dates);
      return;
    }
    String text = values.asString("");
    boolean number = text.matches("-?\\d{1,19}") && isLong(text);
    requireLegacy(number || (DATE.matcher(text).matches() && text.indexOf('-', 1) > 0));
  }

  private static boolean isLong(String text) {
    try {
      Long.parseLong(text);
      return true;
    } catch (NumberFormatException e) {
      return false;
    }
  }

  private static void uniqueSids(List<JsonNode> statements) {
    Set<String> seen = new HashSet<>();
    for (JsonNode statement : statements) {
      String sid = statement.path("Sid").asString("");
      if (!sid.isEmpty() && !seen.add(sid)) {
        throw malformed("Statement IDs (SID) in a single policy must be unique.");
      }
    }
  }

  // --- words -----------------------------------------------------------------------------------

  private static void resource(String resource) {
    if (resource.equals("*")) {
      return;
    }
    String[] parts = resource.split(":", -1);
    if (parts.length < 2) {
      throw malformed("Resource " + resource + " must be in ARN format or \"*\".");
    }
    if (!PARTITIONS.contains(parts[1])) {
      StringBuilder arn = new StringBuilder("arn");
      for (int i = 1; i < Math.max(6, parts.length); i++) {
        arn.append(':').append(i < parts.length ? parts[i] : "*");
      }
      throw malformed("Partition \"" + parts[1] + "\" is not valid for resource \"" + arn + "\".");
    }
    if (parts.length < 3 || (parts[2].indexOf('*') >= 0 && !parts[2].equals("*"))) {
      throw malformed("Resource vendor must be fully qualified and cannot contain regexes.");
    }
    if (parts[2].equals("iam") && parts.length > 5) {
      if (!parts[3].isEmpty() && !parts[3].equals("*")) {
        throw malformed("IAM resource " + resource + " cannot contain region information.");
      }
      String path = parts[5];
      if (!path.equals("*")
          && !path.equals("root")
          && IAM_PATHS.stream().noneMatch(p -> path.startsWith(p) || isWildcardOf(path, p))) {
        throw malformed(
            "IAM resource path must either be \"*\" or start with "
                + String.join(", ", IAM_PATHS)
                + ".");
      }
    }
    if (parts[2].equals("s3")
        && parts.length > 5
        && !parts[3].isEmpty()
        && !parts[3].equals("*")
        && !parts[5].startsWith("accesspoint")
        && !parts[5].startsWith("async-request")
        && !parts[5].startsWith("job/")
        && !parts[5].startsWith("storage-lens")) {
      throw malformed("Resource " + resource + " can not contain region information.");
    }
  }

  private static boolean isWildcardOf(String path, String start) {
    int star = path.indexOf('*');
    return star > 0 && start.startsWith(path.substring(0, star));
  }

  private static void action(String action) {
    if (action.equals("*")) {
      return;
    }
    int colon = action.indexOf(':');
    if (action.indexOf(':', colon + 1) >= 0) {
      throw malformed("Actions/Condition can contain only one colon.");
    }
    String vendor = action.substring(0, colon);
    if (!vendor.matches("[a-zA-Z0-9\\-.*?]+")) {
      throw malformed("Vendor " + vendor + " is not valid");
    }
  }

  private static List<String> texts(JsonNode statement, String name, String inverse) {
    JsonNode node = statement.has(name) ? statement.path(name) : statement.path(inverse);
    List<String> texts = new ArrayList<>();
    if (node.isArray()) {
      node.forEach(e -> texts.add(e.asString()));
    } else if (node.isString()) {
      texts.add(node.asString());
    }
    return texts;
  }

  private static void requireSyntax(boolean good) {
    if (!good) {
      throw malformed("Syntax errors in policy.");
    }
  }

  private static void requireLegacy(boolean good) {
    if (!good) {
      throw malformed("The policy failed legacy parsing");
    }
  }

  private static AwsException malformed(@Nullable String message) {
    return new AwsException("MalformedPolicyDocument", 400, String.valueOf(message));
  }
}
