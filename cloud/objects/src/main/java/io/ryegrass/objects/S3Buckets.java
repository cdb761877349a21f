package io.ryegrass.objects;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/** Operations on the service and on buckets. */
final class S3Buckets {
  static final String OWNER = "ryegrass";
  private static final int MAX_DELETED = 1000;
  private static final int MAX_BUCKETS = 10_000;
  private static final String HOME = "us-east-1";
  private static final Pattern REGION = Pattern.compile("[a-z]{2}(-[a-z]+)+-\\d|EU");

  private final FolderStore store;
  private final String region;

  S3Buckets(FolderStore store, String region) {
    this.store = store;
    this.region = region;
  }

  static void owner(S3Xml xml, String element) {
    xml.open(element).element("ID", OWNER).element("DisplayName", OWNER).close(element);
  }

  S3Response list(S3Call call) {
    call.require("s3:ListAllMyBuckets", "arn:aws:s3:::*");
    int most = S3Listings.number(call, "max-buckets", MAX_BUCKETS);
    String prefix = call.parameter("prefix");
    String token = call.parameter("continuation-token");
    String after = token.isEmpty() ? "" : S3Listings.decodeToken(token);
    List<Bucket> found =
        store.buckets(after, Integer.MAX_VALUE).stream()
            .filter(bucket -> bucket.name().startsWith(prefix))
            .limit(most + 1L)
            .toList();
    boolean more = found.size() > most;
    List<Bucket> page = more ? found.subList(0, most) : found;
    S3Xml xml = S3Xml.document("ListAllMyBucketsResult");
    owner(xml, "Owner");
    xml.open("Buckets");
    for (Bucket bucket : page) {
      xml.open("Bucket")
          .element("Name", bucket.name())
          .element("CreationDate", bucket.created())
          .element("BucketRegion", regionOf(bucket))
          .close("Bucket");
    }
    xml.close("Buckets");
    if (more) {
      xml.element("ContinuationToken", S3Listings.encodeToken(page.getLast().name()));
    }
    if (!prefix.isEmpty()) {
      xml.element("Prefix", prefix);
    }
    return S3Response.xml(200, xml.end("ListAllMyBucketsResult"));
  }

  private String regionOf(Bucket bucket) {
    return bucket.location().isEmpty()
        ? region
        : bucket.location().equals("EU") ? "eu-west-1" : bucket.location();
  }

  S3Response create(S3Call call) {
    call.requireOnBucket("s3:CreateBucket");
    String document = call.document(store.staging());
    String location =
        document.isBlank()
            ? ""
            : S3Xml.read(document, "CreateBucketConfiguration").value("LocationConstraint").strip();
    if (location.equals(HOME) || !location.isEmpty() && !REGION.matcher(location).matches()) {
      throw new S3Exception(
              "InvalidLocationConstraint", 400, "The specified location-constraint is not valid")
          .with("LocationConstraint", location);
    }
    boolean elsewhere =
        !region.equals(HOME)
            && !location.equals(region)
            && !(location.equals("EU") && region.equals("eu-west-1"));
    if (elsewhere) {
      throw new S3Exception(
          "IllegalLocationConstraintException",
          400,
          "The "
              + (location.isEmpty() ? "unspecified" : location)
              + " location constraint is incompatible for the region specific endpoint this request"
              + " was sent to.");
    }
    S3Headers.refuseUnkept(call);
    if (call.request().header("x-amz-bucket-object-lock-enabled").equalsIgnoreCase("true")) {
      throw S3Headers.refused("Object lock");
    }
    S3Settings.checkOwnership(call.request().header("x-amz-object-ownership"));
    BucketNames.check(call.bucket());
    if (ObjectStore.isInternal(call.bucket())) {
      throw S3Call.denied("s3:CreateBucket", "arn:aws:s3:::" + call.bucket());
    }
    if (!store.createBucket(call.bucket(), location) && !region.equals(HOME)) {
      throw new S3Exception(
              "BucketAlreadyOwnedByYou",
              409,
              "Your previous request to create the named bucket succeeded and you already own it.")
          .with("BucketName", call.bucket());
    }
    return S3Response.empty(200, Map.of("location", "/" + call.bucket()));
  }

  S3Response head(S3Call call) {
    call.requireOnBucket("s3:ListBucket");
    Bucket bucket = store.bucket(call.bucket());
    return S3Response.empty(
        200, Map.of("x-amz-bucket-region", regionOf(bucket), "content-type", "application/xml"));
  }

  S3Response location(S3Call call) {
    call.requireOnBucket("s3:GetBucketLocation");
    Bucket bucket = store.bucket(call.bucket());
    String location =
        !bucket.location().isEmpty() ? bucket.location() : region.equals(HOME) ? "" : region;
    return S3Response.xml(
        200,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            + "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
            + location
            + "</LocationConstraint>");
  }

  S3Response delete(S3Call call) {
    call.requireOnBucket("s3:DeleteBucket");
    store.deleteBucket(call.bucket());
    return S3Response.empty(204, Map.of());
  }

  S3Response deleteObjects(S3Call call) {
    S3Xml.Node document = S3Xml.read(call.document(store.staging()), "Delete");
    List<S3Xml.Node> objects = document.all("Object");
    if (objects.isEmpty() || objects.size() > MAX_DELETED) {
      throw S3Exception.malformedXml();
    }
    boolean quiet = document.value("Quiet").strip().toLowerCase(Locale.ROOT).equals("true");
    store.bucket(call.bucket());
    S3Xml xml = S3Xml.document("DeleteResult");
    for (S3Xml.Node object : objects) {
      delete(call, xml, object, quiet);
    }
    return S3Response.xml(200, xml.end("DeleteResult"));
  }

  /** Each object has its own fate. */
  private void delete(S3Call call, S3Xml xml, S3Xml.Node object, boolean quiet) {
    String key = object.value("Key");
    String versionId = object.value("VersionId");
    String etag = object.value("ETag").replace("\"", "");
    try {
      if (key.isEmpty()) {
        throw S3Exception.malformedXml();
      }
      String action = versionId.isEmpty() ? "s3:DeleteObject" : "s3:DeleteObjectVersion";
      if (!call.access().allows(action, "arn:aws:s3:::" + call.bucket() + "/" + key)) {
        throw new S3Exception("AccessDenied", 403, "Access Denied");
      }
      FolderStore.Deleted deleted =
          store.delete(
              call.bucket(),
              key,
              versionId.isEmpty() ? "" : VersionIds.checked(versionId),
              present -> {
                boolean other = present == null || !present.etag().equals(etag);
                if (!etag.isEmpty() && !etag.equals("*") && other) {
                  throw S3Exception.preconditionFailed("If-Match");
                }
              });
      if (quiet) {
        return;
      }
      xml.open("Deleted").element("Key", key);
      if (!versionId.isEmpty()) {
        xml.element("VersionId", versionId);
      }
      if (deleted.marker()) {
        xml.element("DeleteMarker", true).element("DeleteMarkerVersionId", deleted.versionId());
      }
      xml.close("Deleted");
    } catch (S3Exception e) {
      if (e.code().equals("MalformedXML") || e.code().equals("NoSuchBucket")) {
        throw e;
      }
      xml.open("Error").element("Key", key);
      if (!versionId.isEmpty()) {
        xml.element("VersionId", versionId);
      }
      xml.element("Code", e.code())
          .element("Message", String.valueOf(e.getMessage()))
          .close("Error");
    }
  }
}
