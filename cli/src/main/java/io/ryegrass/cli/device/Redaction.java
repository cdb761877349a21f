package io.ryegrass.cli.device;

import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Takes secrets out of what leaves the device: by the names of keys and by what they look like. */
final class Redaction {
  static final String GONE = "(redacted)";

  private static final Pattern SECRET_KEY =
      Pattern.compile(
          ".*(password|passwd|secret|token|credential|privatekey|private_key|apikey|api_key"
              + "|accesskey|access_key|authorization|sas|connectionstring).*");
  private static final Pattern SECRET_FIELD =
      Pattern.compile(
          "(?i)([\"']?[\\w.-]*(?:password|passwd|secret|token|credential|api_?key|access_?key"
              + "|authorization|SVCUID)[\\w.-]*[\"']?\\s*[:=]\\s*)(\"[^\"]*\"|'[^']*'|[^\\s,;&}]+)");
  private static final Pattern PEM =
      Pattern.compile(
          "-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)",
          Pattern.DOTALL);
  private static final Pattern ACCESS_KEY = Pattern.compile("\\b(AKIA|ASIA)[A-Z0-9]{12,}\\b");
  private static final Pattern USER_INFO = Pattern.compile("(://)[^/@\\s:]+:[^/@\\s]+@");
  private static final Pattern BEARER =
      Pattern.compile("(?i)\\b(bearer|basic) [A-Za-z0-9+/._=-]{8,}");

  private Redaction() {}

  /** A copy without secrets. */
  static JsonNode json(JsonNode node) {
    if (node instanceof ObjectNode object) {
      ObjectNode copy = CoreAccess.empty();
      for (Map.Entry<String, JsonNode> e : object.properties()) {
        boolean secret =
            SECRET_KEY.matcher(e.getKey().toLowerCase(Locale.ROOT)).matches()
                && !e.getValue().isContainer();
        if (secret) {
          copy.put(e.getKey(), GONE);
        } else {
          copy.set(e.getKey(), json(e.getValue()));
        }
      }
      return copy;
    }
    if (node instanceof ArrayNode array) {
      ArrayNode copy = Result.JSON.createArrayNode();
      array.forEach(each -> copy.add(json(each)));
      return copy;
    }
    return node.isString() ? Result.JSON.getNodeFactory().stringNode(text(node.asString())) : node;
  }

  /** Lines of a log. */
  static String text(String text) {
    String clean = PEM.matcher(text).replaceAll(GONE);
    // before the fields: in "Authorization: Bearer x" the value is the second word
    clean = BEARER.matcher(clean).replaceAll("$1 " + GONE);
    clean = SECRET_FIELD.matcher(clean).replaceAll("$1" + GONE);
    clean = ACCESS_KEY.matcher(clean).replaceAll(GONE);
    return USER_INFO.matcher(clean).replaceAll("$1" + GONE + "@");
  }
}
