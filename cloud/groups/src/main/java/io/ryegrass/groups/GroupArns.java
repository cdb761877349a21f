package io.ryegrass.groups;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * ARNs of V1 (v1-group-deployment.md §2). Written with the slash after the account, read with or
 * without it.
 */
record GroupArns(String region, String account) {
  private static final Pattern ARN =
      Pattern.compile(
          "arn:[^:]+:greengrass:[^:]*:[^:]*:/?greengrass/(?:definition/)?([a-z]+)/([^/]+)(?:/versions/([^/]+))?");

  private static final String BULK = "bulk/deployments/";
  private static final Pattern BULK_ARN =
      Pattern.compile("arn:[^:]+:greengrass:[^:]*:[^:]*:/?greengrass/" + BULK + "([^/]+)");

  /** What an ARN names; {@code version} is null for the definition or group itself. */
  record Named(Kind kind, String id, @Nullable String version) {}

  String of(Kind kind, String id) {
    return prefix() + (kind.isDefinition() ? "definition/" : "") + kind.segment + "/" + id;
  }

  String version(Kind kind, String id, String version) {
    return of(kind, id) + "/versions/" + version;
  }

  String deployment(String groupId, String deploymentId) {
    return of(Kind.GROUP, groupId) + "/deployments/" + deploymentId;
  }

  String authority(String groupId, String authorityId) {
    return of(Kind.GROUP, groupId) + "/certificateauthorities/" + authorityId;
  }

  String bulk(String bulkDeploymentId) {
    return prefix() + BULK + bulkDeploymentId;
  }

  /** The id, when the ARN names a bulk deployment. */
  static Optional<String> bulkId(String arn) {
    Matcher matcher = BULK_ARN.matcher(arn);
    return matcher.matches() ? Optional.of(matcher.group(1)) : Optional.empty();
  }

  private String prefix() {
    return "arn:aws:greengrass:" + region + ":" + account + ":/greengrass/";
  }

  static Optional<Named> parse(String arn) {
    Matcher matcher = ARN.matcher(arn);
    if (!matcher.matches()) {
      return Optional.empty();
    }
    Kind kind = Kind.ofSegment(matcher.group(1));
    return kind == null
        ? Optional.empty()
        : Optional.of(new Named(kind, matcher.group(2), matcher.group(3)));
  }
}
