package io.ryegrass.functions;

import io.ryegrass.awsapi.AwsException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.UUID;
import java.util.regex.Pattern;
import tools.jackson.databind.node.ObjectNode;

/** The part of shape FunctionConfiguration that a caller sets and a version keeps. */
final class FunctionSettings {
  /** Members of FunctionConfiguration that a caller sets and a version keeps. */
  private static final List<String> SETTINGS =
      List.of(
          "Runtime",
          "Role",
          "Handler",
          "Description",
          "Timeout",
          "MemorySize",
          "Environment",
          "KMSKeyArn",
          "TracingConfig",
          "DeadLetterConfig",
          "EphemeralStorage",
          "LoggingConfig",
          "Architectures");

  /**
   * Runtimes that a core may have, newer ones than the service model knows included, and V1's
   * runtime of executables.
   */
  private static final Pattern RUNTIME =
      Pattern.compile(
          "python2\\.7|python3\\.\\d{1,2}|nodejs(\\d{1,2}\\.(x|\\d{1,2}))?|java\\d{1,2}(\\.al2)?|provided(\\.al2(023)?)?|dotnet.*|ruby.*|go1\\.x|"
              + "arn:aws:greengrass:::runtime/function/executable");

  private static final Pattern ROLE =
      Pattern.compile("arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+");

  private static final DateTimeFormatter MODIFIED =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'+0000'").withZone(ZoneOffset.UTC);

  private FunctionSettings() {}

  /**
   * Takes over what the caller set.
   *
   * @throws AwsException when the runtime is none that a core may have, or the role is no role ARN
   */
  static void copy(ObjectNode in, ObjectNode settings) {
    String runtime = in.path("Runtime").asString("");
    if (!runtime.isEmpty() && !RUNTIME.matcher(runtime).matches()) {
      throw Calls.invalid(
          "Value "
              + runtime
              + " at 'runtime' failed to satisfy constraint: Member must be a python, nodejs, java or provided runtime, or"
              + " arn:aws:greengrass:::runtime/function/executable");
    }
    String role = in.path("Role").asString("");
    if (in.has("Role") && !ROLE.matcher(role).matches()) {
      throw new AwsException(
          "ValidationException",
          400,
          "1 validation error detected: Value '"
              + role
              + "' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: "
              + ROLE.pattern());
    }
    for (String member : SETTINGS) {
      if (in.has(member)) {
        settings.set(member, in.path(member));
      }
    }
  }

  /** Marks a change: new time, new revision. */
  static ObjectNode touched(ObjectNode settings, Instant now) {
    settings.put("LastModified", MODIFIED.format(now));
    settings.put("RevisionId", UUID.randomUUID().toString());
    return settings;
  }

  /** Marks another package. */
  static ObjectNode touched(ObjectNode settings, Packages.Stored stored, Instant now) {
    settings.put("CodeSha256", stored.sha256());
    settings.put("CodeSize", stored.size());
    return touched(settings, now);
  }
}
