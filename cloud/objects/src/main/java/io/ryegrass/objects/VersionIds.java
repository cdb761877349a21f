package io.ryegrass.objects;

import java.security.SecureRandom;
import java.util.Base64;
import java.util.regex.Pattern;

/** Ids of versions: 32 characters that mean nothing. */
final class VersionIds {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final Pattern FORM = Pattern.compile("null|[A-Za-z0-9_.-]{32}");

  private VersionIds() {}

  static String next() {
    byte[] bytes = new byte[24];
    RANDOM.nextBytes(bytes);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  /** Refuses what cannot be an id. */
  static String checked(String id) {
    if (!FORM.matcher(id).matches()) {
      throw S3Exception.invalidArgument("Invalid version id specified", "versionId", id);
    }
    return id;
  }
}
