package io.ryegrass.objects;

/** Which permission a request needs, for requests that go on to another server. */
final class S3Actions {
  private S3Actions() {}

  static void require(S3Call call) {
    if (call.key().isEmpty()) {
      if (!call.has("delete")) {
        call.requireOnBucket("s3:" + onBucket(call));
      }
      return;
    }
    call.requireOnObject("s3:" + onObject(call));
    if (!call.request().header("x-amz-copy-source").isEmpty()) {
      S3Copy.Source from = S3Copy.Source.of(call);
      call.require(
          from.versionId().isEmpty() ? "s3:GetObject" : "s3:GetObjectVersion",
          "arn:aws:s3:::" + from.bucket() + "/" + from.key());
    }
    if (!call.request().header("x-amz-tagging").isEmpty()) {
      call.requireOnObject("s3:PutObjectTagging");
    }
  }

  /** All objects of a DeleteObjects, or none. */
  static void requireDeletions(S3Call call, String document) {
    for (S3Xml.Node object : S3Xml.read(document, "Delete").all("Object")) {
      call.require(
          object.has("VersionId") ? "s3:DeleteObjectVersion" : "s3:DeleteObject",
          "arn:aws:s3:::" + call.bucket() + "/" + object.value("Key"));
    }
  }

  private static String onBucket(S3Call call) {
    boolean reads = call.request().method().matches("GET|HEAD");
    if (call.has("location")) {
      return "GetBucketLocation";
    }
    if (call.has("versioning")) {
      return reads ? "GetBucketVersioning" : "PutBucketVersioning";
    }
    if (call.has("tagging")) {
      return reads ? "GetBucketTagging" : "PutBucketTagging";
    }
    if (call.has("uploads")) {
      return "ListBucketMultipartUploads";
    }
    if (call.has("versions")) {
      return "ListBucketVersions";
    }
    return switch (call.request().method()) {
      case "PUT" -> "CreateBucket";
      case "DELETE" -> "DeleteBucket";
      case "GET", "HEAD" -> "ListBucket";
      default -> throw S3Api.notImplemented(call);
    };
  }

  private static String onObject(S3Call call) {
    String version = call.has("versionId") ? "Version" : "";
    String method = call.request().method();
    if (call.has("tagging")) {
      return switch (method) {
        case "GET" -> "GetObject" + version + "Tagging";
        case "PUT" -> "PutObject" + version + "Tagging";
        case "DELETE" -> "DeleteObject" + version + "Tagging";
        default -> throw S3Api.notImplemented(call);
      };
    }
    if (call.has("uploadId") && method.equals("GET")) {
      return "ListMultipartUploadParts";
    }
    return switch (method) {
      case "GET", "HEAD" -> "GetObject" + version;
      case "PUT", "POST" -> "PutObject";
      case "DELETE" -> call.has("uploadId") ? "AbortMultipartUpload" : "DeleteObject" + version;
      default -> throw S3Api.notImplemented(call);
    };
  }
}
