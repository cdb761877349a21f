package io.ryegrass.objects;

import io.ryegrass.objects.ObjectTables.Version;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Copies within the store: CopyObject, and the source of UploadPartCopy. */
final class S3Copy {
  private static final long LARGEST = 5L << 30;

  private final FolderStore store;

  S3Copy(FolderStore store) {
    this.store = store;
  }

  /** What {@code x-amz-copy-source} names. */
  record Source(String bucket, String key, String versionId) {
    static Source of(S3Call call) {
      String header = call.request().header("x-amz-copy-source");
      int question = header.lastIndexOf("?versionId=");
      String versionId =
          question < 0
              ? ""
              : VersionIds.checked(header.substring(question + "?versionId=".length()));
      String place = UriText.decode(question < 0 ? header : header.substring(0, question), false);
      place = place.startsWith("/") ? place.substring(1) : place;
      int slash = place.indexOf('/');
      if (slash < 1 || slash == place.length() - 1 || ObjectStore.isInternal(place)) {
        throw S3Exception.invalidArgument(
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
            "x-amz-copy-source",
            header);
      }
      return new Source(place.substring(0, slash), place.substring(slash + 1), versionId);
    }
  }

  /** Opens the source after all checks. */
  StoredObject open(S3Call call, Source source) {
    call.require(
        source.versionId().isEmpty() ? "s3:GetObject" : "s3:GetObjectVersion",
        "arn:aws:s3:::" + source.bucket() + "/" + source.key());
    var found = store.find(source.bucket(), source.key(), source.versionId());
    if (!source.versionId().isEmpty() && found.map(Version::marker).orElse(false)) {
      throw S3Exception.invalidRequest(
          "The source of a copy request may not specifically refer to a delete marker by version"
              + " id.");
    }
    Version version = Versions.required(found, source.key(), source.versionId());
    if (!S3Headers.modified(call, version.info(), "x-amz-copy-source-")) {
      throw S3Exception.preconditionFailed("x-amz-copy-source-If-None-Match");
    }
    return store.open(source.bucket(), source.key(), version);
  }

  S3Response copy(S3Call call, Bucket bucket) {
    Source source = Source.of(call);
    boolean replace = directive(call, "x-amz-metadata-directive");
    boolean replaceTags = directive(call, "x-amz-tagging-directive");
    if (!replace
        && source.versionId().isEmpty()
        && source.bucket().equals(call.bucket())
        && source.key().equals(call.key())
        && call.request().header(S3Headers.STORAGE_CLASS).isEmpty()
        && call.request().header(S3Headers.REDIRECT).isEmpty()) {
      throw S3Exception.invalidRequest(
          "This copy request is illegal because it is trying to copy an object to itself without"
              + " changing the object's metadata, storage class, website redirect location or"
              + " encryption attributes.");
    }
    Map<String, String> given = S3Headers.kept(call);
    Map<String, String> givenTags = S3Tags.inHeader(call);
    try (StoredObject object = open(call, source)) {
      ObjectInfo info = object.info();
      if (info.size() > LARGEST) {
        throw S3Exception.invalidRequest(
            "The specified copy source is larger than the maximum allowable size for a copy source: "
                + LARGEST);
      }
      Checksums checksums = new Checksums();
      String wanted = call.request().header("x-amz-checksum-algorithm").toLowerCase(Locale.ROOT);
      if (!wanted.isEmpty()) {
        checksums.add(wanted);
      } else {
        info.checksums().keySet().forEach(checksums::add);
      }
      StagedObject staged = store.staging().receive(object.stream(), LARGEST, checksums);
      Map<String, String> headers = new LinkedHashMap<>(replace ? given : info.headers());
      for (String own : List.of(S3Headers.STORAGE_CLASS, S3Headers.REDIRECT)) {
        headers.remove(own); // belong to one object and do not go with a copy
        String value = given.get(own);
        if (value != null) {
          headers.put(own, value);
        }
      }
      ObjectInfo stored =
          store.commit(
              call.bucket(),
              staged,
              store.description(
                  call.key(),
                  staged,
                  replace ? S3Headers.typeOf(call) : info.contentType(),
                  headers,
                  replaceTags ? givenTags : info.tags()),
              S3Headers.putCondition(call));
      return answer(call, bucket, info, stored);
    }
  }

  private S3Response answer(S3Call call, Bucket bucket, ObjectInfo from, ObjectInfo stored) {
    Map<String, String> answer = new LinkedHashMap<>();
    if (store.bucket(Source.of(call).bucket()).hasVersions()) {
      answer.put("x-amz-copy-source-version-id", from.versionId());
    }
    if (bucket.hasVersions()) {
      answer.put("x-amz-version-id", stored.versionId());
    }
    S3Xml xml =
        S3Xml.document("CopyObjectResult")
            .element("LastModified", stored.lastModified())
            .element("ETag", "\"" + stored.etag() + "\"");
    S3Objects.checksums(xml, stored.checksums());
    return S3Response.xml(200, answer, xml.end("CopyObjectResult"));
  }

  /** Whether a directive says REPLACE. */
  private static boolean directive(S3Call call, String name) {
    String value = call.request().header(name);
    if (!value.isEmpty() && !value.equals("COPY") && !value.equals("REPLACE")) {
      throw S3Exception.invalidArgument(
          "Unknown " + (name.contains("tagging") ? "tagging" : "metadata") + " directive.",
          name,
          value);
    }
    return value.equals("REPLACE");
  }
}
