package io.ryegrass.functions;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.objects.ObjectStore;
import io.ryegrass.objects.ReadAccess;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.UUID;
import java.util.zip.ZipInputStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The packages of functions in the program's own bucket. Each upload has a key of its own, so that
 * none is ever overwritten.
 */
final class Packages {
  static final String BUCKET = ".lambda";

  /**
   * Lambda's limit for a package that comes with the call; from a bucket it may be five times as
   * large.
   */
  private static final int LARGEST_UPLOAD = 50 * 1024 * 1024;

  private static final int LARGEST = 250 * 1024 * 1024;

  private final ObjectStore objects;
  private final ReadAccess access;

  Packages(ObjectStore objects, ReadAccess access) {
    this.objects = objects;
    this.access = access;
    objects.createBucket(BUCKET);
  }

  record Stored(String key, String sha256, long size) {}

  /**
   * Checks and keeps the package that a call brings or points to ({@code ZipFile}, or {@code
   * S3Bucket} and {@code S3Key}).
   *
   * @param code the members of shape FunctionCode
   * @param caller who must be allowed to read the package in the bucket
   */
  Stored keep(String function, JsonNode code, @Nullable Object caller) {
    byte[] zip;
    if (code.has("ZipFile")) {
      zip = Base64.getDecoder().decode(code.path("ZipFile").asString(""));
      check(zip, LARGEST_UPLOAD);
    } else if (code.has("S3Bucket") && code.has("S3Key")) {
      zip = fromBucket(code.path("S3Bucket").asString(""), code.path("S3Key").asString(""), caller);
      check(zip, LARGEST);
    } else {
      throw invalid(
          "Please provide a source for function code: ZipFile, or S3Bucket and S3Key. Container images are not deployed to cores.");
    }
    String key = function + "/" + UUID.randomUUID() + ".zip";
    objects.put(BUCKET, key, zip);
    return new Stored(key, sha256(zip), zip.length);
  }

  private byte[] fromBucket(String bucket, String key, @Nullable Object caller) {
    if (!access.mayRead(caller, bucket, key)) {
      throw new AwsException(
          "AccessDeniedException",
          403,
          "Your access has been denied by S3, please make sure your request credentials have permission to GetObject for "
              + bucket
              + "/"
              + key);
    }
    if (bucket.startsWith(".") || !objects.bucketExists(bucket)) {
      throw s3("NoSuchBucket", "The specified bucket does not exist");
    }
    return objects
        .read(bucket, key)
        .orElseThrow(() -> s3("NoSuchKey", "The specified key does not exist."));
  }

  private static AwsException s3(String code, String message) {
    return invalid(
        "Error occurred while GetObject. S3 Error Code: "
            + code
            + ". S3 Error Message: "
            + message);
  }

  private static void check(byte[] zip, int limit) {
    if (zip.length == 0) {
      throw invalid("Uploaded file must be a non-empty zip");
    }
    if (zip.length > limit) {
      throw new AwsException(
          "RequestEntityTooLargeException",
          413,
          "The package has " + zip.length + " bytes; at most " + limit + " are allowed.");
    }
    try (ZipInputStream in = new ZipInputStream(new ByteArrayInputStream(zip))) {
      if (in.getNextEntry() != null) {
        return;
      }
    } catch (IOException | IllegalArgumentException e) {
      throw unzip();
    }
    throw unzip();
  }

  private static AwsException unzip() {
    return invalid(
        "Could not unzip uploaded file. Please check your file, then try to upload again.");
  }

  private static AwsException invalid(String message) {
    return new AwsException("InvalidParameterValueException", 400, message);
  }

  byte[] read(String key) {
    return objects
        .read(BUCKET, key)
        .orElseThrow(
            () ->
                new IllegalStateException(
                    "The package "
                        + key
                        + " is gone from the object store; create the function anew."));
  }

  void delete(String key) {
    var unused = objects.delete(BUCKET, key);
  }

  private static String sha256(byte[] data) {
    try {
      return Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-256").digest(data));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
