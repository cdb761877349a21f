package io.ryegrass.objects;

/**
 * A refusal with S3's own error code and HTTP status, for example {@code NoSuchKey} and 404. The
 * one unchecked root of this module.
 */
public final class S3Exception extends RuntimeException {
  private static final long serialVersionUID = 1;
  private final String code;
  private final int status;

  /** With code, status and a sentence for people. */
  public S3Exception(String code, int status, String message) {
    super(message);
    this.code = code;
    this.status = status;
  }

  /** With the fault below it. */
  public S3Exception(String code, int status, String message, Throwable cause) {
    super(message, cause);
    this.code = code;
    this.status = status;
  }

  /** S3's error code. */
  public String code() {
    return code;
  }

  /** HTTP status. */
  public int status() {
    return status;
  }

  static S3Exception noSuchBucket(String bucket) {
    return new S3Exception(
        "NoSuchBucket", 404, "The specified bucket does not exist: '" + bucket + "'");
  }

  static S3Exception noSuchKey(String bucket, String key) {
    return new S3Exception(
        "NoSuchKey", 404, "The specified key does not exist: s3://" + bucket + "/" + key);
  }

  static S3Exception io(String doing, Throwable cause) {
    return new S3Exception(
        "InternalError", 500, doing + " failed: " + cause.getMessage() + "; try again", cause);
  }
}
