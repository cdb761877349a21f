package io.ryegrass.objects;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A refusal with S3's own error code and HTTP status, for example {@code NoSuchKey} and 404. The
 * one unchecked root of this module.
 */
public final class S3Exception extends RuntimeException {
  private static final long serialVersionUID = 1;
  private final String code;
  private final int status;
  private final LinkedHashMap<String, String> details = new LinkedHashMap<>();
  private final LinkedHashMap<String, String> headers = new LinkedHashMap<>();

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

  /** Adds an element of the error document, for example {@code BucketName}. */
  S3Exception with(String element, String value) {
    details.put(element, value);
    return this;
  }

  /** Adds a header of the answer. */
  S3Exception withHeader(String name, String value) {
    headers.put(name, value);
    return this;
  }

  Map<String, String> details() {
    return details;
  }

  Map<String, String> headers() {
    return headers;
  }

  static S3Exception noSuchBucket(String bucket) {
    return new S3Exception("NoSuchBucket", 404, "The specified bucket does not exist")
        .with("BucketName", bucket);
  }

  static S3Exception noSuchKey(String key) {
    return new S3Exception("NoSuchKey", 404, "The specified key does not exist.").with("Key", key);
  }

  static S3Exception noSuchVersion(String key, String versionId) {
    return new S3Exception("NoSuchVersion", 404, "The specified version does not exist.")
        .with("Key", key)
        .with("VersionId", versionId);
  }

  static S3Exception invalidArgument(String message, String name, String value) {
    return new S3Exception("InvalidArgument", 400, message)
        .with("ArgumentName", name)
        .with("ArgumentValue", value);
  }

  static S3Exception invalidRequest(String message) {
    return new S3Exception("InvalidRequest", 400, message);
  }

  static S3Exception malformedXml() {
    return new S3Exception(
        "MalformedXML",
        400,
        "The XML you provided was not well-formed or did not validate against our published schema");
  }

  static S3Exception preconditionFailed(String condition) {
    return new S3Exception(
            "PreconditionFailed",
            412,
            "At least one of the pre-conditions you specified did not hold")
        .with("Condition", condition);
  }

  static S3Exception io(String doing, Throwable cause) {
    return new S3Exception(
        "InternalError", 500, doing + " failed: " + cause.getMessage() + "; try again", cause);
  }
}
