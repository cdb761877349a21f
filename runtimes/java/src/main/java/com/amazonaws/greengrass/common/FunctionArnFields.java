package com.amazonaws.greengrass.common;

import org.jspecify.annotations.Nullable;

/**
 * The parts of the ARN of a function. Region and account are empty in those of the core's own
 * services; the qualifier is null where there is none.
 */
public class FunctionArnFields {
  public static final String ARN_FORMAT_WITH_QUALIFIER = "arn:%s:lambda:%s:%s:function:%s:%s";

  private final String partition;
  private final String region;
  private final String accountId;
  private final String name;
  private final @Nullable String qualifier;

  public FunctionArnFields(
      String partition, String region, String accountId, String name, @Nullable String qualifier) {
    this.partition = partition;
    this.region = region;
    this.accountId = accountId;
    this.name = name;
    this.qualifier = qualifier;
  }

  /**
   * Reads {@code arn:aws:lambda:<region>:<account>:function:<name>[:<version, alias or $LATEST>]}.
   *
   * @throws InvalidArnException when it is not one
   */
  public static FunctionArnFields fromString(@Nullable String arn) {
    // Without a regular expression: this runs in every cold start.
    String[] parts = arn == null ? new String[0] : arn.split(":", -1);
    boolean valid =
        (parts.length == 7 || parts.length == 8)
            && parts[0].equals("arn")
            && parts[1].startsWith("aws")
            && parts[2].equals("lambda")
            && only(parts[3], "-")
            && digits(parts[4])
            && parts[5].equals("function")
            && !parts[6].isEmpty()
            && only(parts[6], "-_")
            && (parts.length == 7 || (!parts[7].isEmpty() && only(parts[7], "-_$")));
    if (!valid) {
      throw new InvalidArnException("\"" + arn + "\" is not the ARN of a function");
    }
    return new FunctionArnFields(
        parts[1], parts[3], parts[4], parts[6], parts.length == 8 ? parts[7] : null);
  }

  private static boolean only(String text, String others) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      if (!letter && others.indexOf(c) < 0) {
        return false;
      }
    }
    return true;
  }

  private static boolean digits(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) < '0' || text.charAt(i) > '9') {
        return false;
      }
    }
    return true;
  }

  public String getPartition() {
    return partition;
  }

  public String getRegion() {
    return region;
  }

  public String getAccountId() {
    return accountId;
  }

  public String getName() {
    return name;
  }

  public @Nullable String getQualifier() {
    return qualifier;
  }

  @Override
  public String toString() {
    String unqualified =
        "arn:" + partition + ":lambda:" + region + ":" + accountId + ":function:" + name;
    return qualifier == null ? unqualified : unqualified + ":" + qualifier;
  }
}
