package io.ryegrass.groups;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where an object is: {@code s3://BUCKET/KEY}, or its https address with the bucket in the host or
 * in the path. A key in an https address is percent-encoded, one after {@code s3://} is not.
 */
record S3Address(String bucket, String key) {
  private static final Pattern S3 = Pattern.compile("s3://([^/]+)/(.+)");
  private static final Pattern IN_HOST =
      Pattern.compile("https?://([^/]+?)\\.s3[.-][^/]*/([^?]+).*");
  private static final Pattern IN_PATH = Pattern.compile("https?://[^/]+/([^/]+)/([^?]+).*");

  static Optional<S3Address> parse(String uri) {
    Matcher plain = S3.matcher(uri);
    if (plain.matches()) {
      return Optional.of(new S3Address(plain.group(1), plain.group(2)));
    }
    for (Pattern form : new Pattern[] {IN_HOST, IN_PATH}) {
      Matcher matcher = form.matcher(uri);
      if (matcher.matches()) {
        return decoded(matcher.group(2)).map(key -> new S3Address(matcher.group(1), key));
      }
    }
    return Optional.empty();
  }

  /** A plus sign is itself in a path; an escape that is none makes the address unusable. */
  private static Optional<String> decoded(String key) {
    try {
      return Optional.of(URLDecoder.decode(key.replace("+", "%2B"), StandardCharsets.UTF_8));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  @Override
  public String toString() {
    return "s3://" + bucket + "/" + key;
  }
}
