package io.ryegrass.objects;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;

/** Operations on the service and on buckets. */
final class S3Buckets {
  private static final int MAX_KEYS = 1000;

  private final ObjectStore store;
  private final String region;
  private final String owner;

  S3Buckets(ObjectStore store, String region, String owner) {
    this.store = store;
    this.region = region;
    this.owner = owner;
  }

  S3Response listBuckets(S3Call call) {
    call.require("s3:ListAllMyBuckets", "arn:aws:s3:::*");
    S3Xml xml = S3Xml.document("ListAllMyBucketsResult");
    xml.open("Owner").element("ID", owner).element("DisplayName", owner).close("Owner");
    xml.open("Buckets");
    for (ObjectStore.Bucket bucket : store.listBuckets()) {
      xml.open("Bucket")
          .element("Name", bucket.name())
          .element("CreationDate", bucket.created())
          .close("Bucket");
    }
    return S3Response.xml(200, xml.close("Buckets").end("ListAllMyBucketsResult"));
  }

  S3Response handle(S3Call call) {
    return switch (call.request().method()) {
      case "PUT" -> put(call);
      case "HEAD" -> {
        call.requireOnBucket("s3:ListBucket");
        store.requireBucket(call.bucket());
        yield S3Response.empty(200, Map.of("x-amz-bucket-region", region));
      }
      case "GET" -> get(call);
      case "POST" -> {
        if (!call.has("delete")) {
          throw S3Api.notImplemented(call);
        }
        yield deleteObjects(call);
      }
      case "DELETE" -> {
        refuseSubresources(call);
        call.requireOnBucket("s3:DeleteBucket");
        store.deleteBucket(call.bucket());
        yield S3Response.empty(204, Map.of());
      }
      default -> throw S3Api.notImplemented(call);
    };
  }

  private S3Response put(S3Call call) {
    refuseSubresources(call);
    call.requireOnBucket("s3:CreateBucket");
    call.document(store); // a location constraint has no meaning here, its integrity is checked
    if (!store.createBucket(call.bucket()) && !region.equals("us-east-1")) {
      throw new S3Exception(
          "BucketAlreadyOwnedByYou",
          409,
          "Your previous request to create the named bucket succeeded and you already own it.");
    }
    return S3Response.empty(200, Map.of("location", "/" + call.bucket()));
  }

  private S3Response get(S3Call call) {
    if (call.has("location")) {
      call.requireOnBucket("s3:GetBucketLocation");
      store.requireBucket(call.bucket());
      return S3Response.xml(
          200,
          "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
              + "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
              + (region.equals("us-east-1") ? "" : region)
              + "</LocationConstraint>");
    }
    if (call.has("versioning")) {
      call.requireOnBucket("s3:GetBucketVersioning");
      store.requireBucket(call.bucket());
      return S3Response.xml(
          200, S3Xml.document("VersioningConfiguration").end("VersioningConfiguration"));
    }
    if (call.has("uploads")) {
      return listUploads(call);
    }
    refuseSubresources(call);
    return listObjects(call);
  }

  private S3Response listUploads(S3Call call) {
    call.requireOnBucket("s3:ListBucketMultipartUploads");
    store.requireBucket(call.bucket());
    S3Xml xml =
        S3Xml.document("ListMultipartUploadsResult")
            .element("Bucket", call.bucket())
            .element("IsTruncated", false);
    for (MultipartUploads.Upload upload : store.uploads().list(call.bucket())) {
      xml.open("Upload")
          .element("Key", upload.key())
          .element("UploadId", upload.id())
          .element("Initiated", upload.initiated())
          .close("Upload");
    }
    return S3Response.xml(200, xml.end("ListMultipartUploadsResult"));
  }

  private S3Response listObjects(S3Call call) {
    call.requireOnBucket("s3:ListBucket");
    boolean second = call.parameter("list-type").equals("2");
    boolean encode = call.parameter("encoding-type").equals("url");
    String prefix = call.parameter("prefix");
    String delimiter = call.parameter("delimiter");
    String token = call.parameter("continuation-token");
    String after =
        second
            ? token.isEmpty() ? call.parameter("start-after") : decodeToken(token)
            : call.parameter("marker");
    int maxKeys = maxKeys(call);
    ObjectStore.Page page = store.list(call.bucket(), prefix, delimiter, after, maxKeys);

    S3Xml xml =
        S3Xml.document("ListBucketResult")
            .element("Name", call.bucket())
            .element("Prefix", text(prefix, encode));
    if (second) {
      xml.element("KeyCount", page.objects().size() + page.commonPrefixes().size());
      if (!call.parameter("start-after").isEmpty()) {
        xml.element("StartAfter", text(call.parameter("start-after"), encode));
      }
      if (!token.isEmpty()) {
        xml.element("ContinuationToken", token);
      }
      if (page.truncated()) {
        xml.element(
            "NextContinuationToken",
            Base64.getUrlEncoder()
                .withoutPadding()
                .encodeToString(page.last().getBytes(StandardCharsets.UTF_8)));
      }
    } else {
      xml.element("Marker", text(after, encode));
      if (page.truncated() && !delimiter.isEmpty()) {
        xml.element("NextMarker", text(page.last(), encode));
      }
    }
    xml.element("MaxKeys", maxKeys);
    if (!delimiter.isEmpty()) {
      xml.element("Delimiter", text(delimiter, encode));
    }
    if (encode) {
      xml.element("EncodingType", "url");
    }
    xml.element("IsTruncated", page.truncated());
    for (ObjectInfo info : page.objects()) {
      xml.open("Contents")
          .element("Key", text(info.key(), encode))
          .element("LastModified", info.lastModified())
          .element("ETag", "\"" + info.etag() + "\"")
          .element("Size", info.size())
          .element("StorageClass", "STANDARD");
      if (!second || call.parameter("fetch-owner").equals("true")) {
        xml.open("Owner").element("ID", owner).element("DisplayName", owner).close("Owner");
      }
      xml.close("Contents");
    }
    for (String common : page.commonPrefixes()) {
      xml.open("CommonPrefixes").element("Prefix", text(common, encode)).close("CommonPrefixes");
    }
    return S3Response.xml(200, xml.end("ListBucketResult"));
  }

  private static String text(String key, boolean encode) {
    return encode ? UriText.encode(key, true) : key;
  }

  private static int maxKeys(S3Call call) {
    String text = call.parameter("max-keys");
    try {
      int wanted = text.isEmpty() ? MAX_KEYS : Integer.parseInt(text);
      if (wanted >= 0) {
        return Math.min(wanted, MAX_KEYS);
      }
    } catch (NumberFormatException e) {
      throw badMaxKeys();
    }
    throw badMaxKeys();
  }

  private static S3Exception badMaxKeys() {
    return new S3Exception(
        "InvalidArgument", 400, "Argument max-keys must be an integer between 0 and 2147483647");
  }

  private static String decodeToken(String token) {
    try {
      return new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw new S3Exception(
          "InvalidArgument", 400, "The continuation token provided is incorrect", e);
    }
  }

  private S3Response deleteObjects(S3Call call) {
    String document = call.document(store);
    List<Map<String, String>> objects = S3Xml.read(document, "Object");
    if (objects.isEmpty() || objects.size() > MAX_KEYS) {
      throw new S3Exception("MalformedXML", 400, "Name 1 to 1000 objects to delete");
    }
    boolean quiet = document.contains("<Quiet>true</Quiet>");
    store.requireBucket(call.bucket());
    S3Xml xml = S3Xml.document("DeleteResult");
    for (Map<String, String> object : objects) {
      String key = object.getOrDefault("Key", "");
      if (!call.access().allows("s3:DeleteObject", "arn:aws:s3:::" + call.bucket() + "/" + key)) {
        xml.open("Error")
            .element("Key", key)
            .element("Code", "AccessDenied")
            .element("Message", "Access Denied")
            .close("Error");
        continue;
      }
      store.delete(call.bucket(), key);
      if (!quiet) {
        xml.open("Deleted").element("Key", key).close("Deleted");
      }
    }
    return S3Response.xml(200, xml.end("DeleteResult"));
  }

  /** A sub-resource (?acl, ?policy, …) must not be mistaken for the bucket itself. */
  private static void refuseSubresources(S3Call call) {
    for (String name :
        List.of(
            "acl",
            "policy",
            "tagging",
            "cors",
            "lifecycle",
            "encryption",
            "versioning",
            "website",
            "notification",
            "replication",
            "logging",
            "publicAccessBlock",
            "ownershipControls",
            "object-lock",
            "accelerate",
            "requestPayment",
            "analytics",
            "inventory",
            "metrics",
            "versions",
            "policyStatus",
            "intelligent-tiering")) {
      if (call.has(name)) {
        throw S3Api.notImplemented(call);
      }
    }
  }
}
