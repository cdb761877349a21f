package io.ryegrass.objects;

import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;

/** What S3 takes as names of buckets and keys. */
final class BucketNames {
  private static final Pattern BUCKET = Pattern.compile("\\.?[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]");
  private static final Pattern ADDRESS = Pattern.compile("\\d{1,3}(\\.\\d{1,3}){3}");
  private static final int MAX_KEY_BYTES = 1024;

  private BucketNames() {}

  static void check(String bucket) {
    if (!BUCKET.matcher(bucket).matches()
        || bucket.contains("..")
        || bucket.contains(".-")
        || bucket.contains("-.")
        || ADDRESS.matcher(bucket).matches()
        || bucket.startsWith("xn--")
        || bucket.endsWith("-s3alias")
        || bucket.endsWith("--ol-s3")) {
      throw new S3Exception("InvalidBucketName", 400, "The specified bucket is not valid.")
          .with("BucketName", bucket);
    }
  }

  static void checkKey(String key) {
    int bytes = key.getBytes(StandardCharsets.UTF_8).length;
    if (bytes == 0 || bytes > MAX_KEY_BYTES) {
      throw new S3Exception("KeyTooLongError", 400, "Your key is too long")
          .with("Size", Integer.toString(bytes))
          .with("MaxSizeAllowed", Integer.toString(MAX_KEY_BYTES));
    }
  }
}
