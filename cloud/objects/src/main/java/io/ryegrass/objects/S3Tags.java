package io.ryegrass.objects;

import io.ryegrass.objects.ObjectTables.Version;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Tags of objects and of buckets. */
final class S3Tags {
  private static final String KIND = "tagging";
  private static final int MOST_OF_OBJECT = 10;
  private static final int MOST_OF_BUCKET = 50;

  private final FolderStore store;

  S3Tags(FolderStore store) {
    this.store = store;
  }

  /** The tags that a request which makes an object gives it. */
  static Map<String, String> inHeader(S3Call call) {
    String header = call.request().header("x-amz-tagging");
    if (header.isEmpty()) {
      return Map.of();
    }
    call.requireOnObject("s3:PutObjectTagging");
    Map<String, String> tags = new LinkedHashMap<>();
    for (String pair : header.split("&")) {
      int equals = pair.indexOf('=');
      add(
          tags,
          UriText.decode(equals < 0 ? pair : pair.substring(0, equals), true),
          equals < 0 ? "" : UriText.decode(pair.substring(equals + 1), true));
    }
    return bounded(tags, MOST_OF_OBJECT);
  }

  S3Response ofObject(S3Call call) {
    String versionId = call.versionId();
    String end = versionId.isEmpty() ? "ObjectTagging" : "ObjectVersionTagging";
    return switch (call.request().method()) {
      case "GET" -> {
        call.requireOnObject("s3:Get" + end);
        ObjectInfo info = info(call, versionId);
        yield S3Response.xml(200, versionHeader(call, info), document(info.tags()));
      }
      case "PUT" -> {
        call.requireOnObject("s3:Put" + end);
        info(call, versionId);
        Map<String, String> tags = read(call, MOST_OF_OBJECT);
        ObjectInfo info = store.tag(call.bucket(), call.key(), versionId, tags);
        yield S3Response.empty(200, versionHeader(call, info));
      }
      case "DELETE" -> {
        call.requireOnObject("s3:Delete" + end);
        ObjectInfo info = store.tag(call.bucket(), call.key(), versionId, Map.of());
        yield S3Response.empty(204, versionHeader(call, info));
      }
      default -> throw S3Api.notImplemented(call);
    };
  }

  private ObjectInfo info(S3Call call, String versionId) {
    Version version =
        Versions.required(store.find(call.bucket(), call.key(), versionId), call.key(), versionId);
    return version.info();
  }

  private Map<String, String> versionHeader(S3Call call, ObjectInfo info) {
    return store.bucket(call.bucket()).hasVersions()
        ? Map.of("x-amz-version-id", info.versionId())
        : Map.of();
  }

  S3Response ofBucket(S3Call call) {
    return switch (call.request().method()) {
      case "GET" -> {
        call.requireOnBucket("s3:GetBucketTagging");
        String kept =
            store
                .settings()
                .get(call.bucket(), KIND)
                .orElseThrow(
                    () ->
                        new S3Exception("NoSuchTagSet", 404, "The TagSet does not exist")
                            .with("BucketName", call.bucket()));
        yield S3Response.xml(200, document(ObjectFile.texts(JsonMapper.shared().readTree(kept))));
      }
      case "PUT" -> {
        call.requireOnBucket("s3:PutBucketTagging");
        ObjectNode tags = JsonNodeFactory.instance.objectNode();
        read(call, MOST_OF_BUCKET).forEach(tags::put);
        store.settings().put(call.bucket(), KIND, tags.isEmpty() ? null : tags.toString());
        yield S3Response.empty(204, Map.of());
      }
      case "DELETE" -> {
        call.requireOnBucket("s3:PutBucketTagging");
        store.settings().put(call.bucket(), KIND, null);
        yield S3Response.empty(204, Map.of());
      }
      default -> throw S3Api.notImplemented(call);
    };
  }

  private Map<String, String> read(S3Call call, int most) {
    S3Xml.Node document = S3Xml.read(call.document(store.staging()), "Tagging");
    Map<String, String> tags = new LinkedHashMap<>();
    for (S3Xml.Node set : document.all("TagSet")) {
      for (S3Xml.Node tag : set.all("Tag")) {
        add(tags, tag.value("Key"), tag.value("Value"));
      }
    }
    if (!document.has("TagSet")) {
      throw S3Exception.malformedXml();
    }
    return bounded(tags, most);
  }

  private static void add(Map<String, String> tags, String key, String value) {
    if (key.isEmpty() || key.length() > 128) {
      throw new S3Exception("InvalidTag", 400, "The TagKey you have provided is invalid")
          .with("TagKey", key);
    }
    if (value.length() > 256) {
      throw new S3Exception("InvalidTag", 400, "The TagValue you have provided is invalid")
          .with("TagKey", key);
    }
    if (key.startsWith("aws:")) {
      throw new S3Exception("InvalidTag", 400, "System tags cannot be added/updated by requester");
    }
    if (tags.put(key, value) != null) {
      throw new S3Exception("InvalidTag", 400, "Cannot provide multiple Tags with the same key")
          .with("TagKey", key);
    }
  }

  private static Map<String, String> bounded(Map<String, String> tags, int most) {
    if (tags.size() > most) {
      throw most == MOST_OF_OBJECT
          ? new S3Exception("BadRequest", 400, "Object tags cannot be greater than " + most)
          : new S3Exception("BadRequest", 400, "Bucket tag count cannot be greater than " + most);
    }
    return tags;
  }

  private static String document(Map<String, String> tags) {
    S3Xml xml = S3Xml.document("Tagging").open("TagSet");
    tags.forEach(
        (key, value) -> xml.open("Tag").element("Key", key).element("Value", value).close("Tag"));
    return xml.close("TagSet").end("Tagging");
  }
}
