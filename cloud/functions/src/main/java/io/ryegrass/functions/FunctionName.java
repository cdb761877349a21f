package io.ryegrass.functions;

import io.ryegrass.awsapi.AwsException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a caller may give as {@code FunctionName}: a name, {@code <account>:function:<name>}, or an
 * ARN, each with or without a qualifier (shape {@code FunctionName} of the service model).
 *
 * @param qualifier empty when none was given
 */
record FunctionName(String name, String qualifier) {
  static final String LATEST = "$LATEST";

  private static final Pattern FORM =
      Pattern.compile(
          "(?:(?:arn:aws[a-zA-Z-]*:lambda:)?(?:[a-z]{2}(?:-gov)?-[a-z]+-\\d:)?(?:\\d{12}:)?function:|\\d{12}:)?"
              + "([a-zA-Z0-9-_]+)(?::(\\$LATEST|[a-zA-Z0-9-_]+))?");

  /**
   * @throws AwsException when the text is no function name, or names another qualifier than the one
   *     beside it
   */
  static FunctionName parse(String text, String otherQualifier) {
    Matcher matcher = FORM.matcher(text);
    if (!matcher.matches() || matcher.group(1).length() > 64) {
      throw new AwsException(
          "InvalidParameterValueException",
          400,
          "The function name \""
              + text
              + "\" is not valid; use up to 64 letters, digits, hyphens and underscores, or the function's ARN.");
    }
    String qualifier = matcher.group(2) == null ? "" : matcher.group(2);
    if (!qualifier.isEmpty() && !otherQualifier.isEmpty() && !qualifier.equals(otherQualifier)) {
      throw new AwsException(
          "InvalidParameterValueException",
          400,
          "The derived qualifier from the function name does not match the specified qualifier.");
    }
    return new FunctionName(matcher.group(1), qualifier.isEmpty() ? otherQualifier : qualifier);
  }

  boolean isVersionNumber() {
    return qualifier.matches("\\d+");
  }
}
