package io.ryegrass.objects;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.BucketVersioningStatus;
import software.amazon.awssdk.services.s3.model.ChecksumAlgorithm;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.DeleteMarkerEntry;
import software.amazon.awssdk.services.s3.model.MetadataDirective;
import software.amazon.awssdk.services.s3.model.ObjectAttributes;
import software.amazon.awssdk.services.s3.model.ObjectVersion;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.model.Tag;

/** Versions, tags, policies, parts: the AWS SDK for Java as a client over a real socket. */
class S3VersionsTest {
  @TempDir Path folder;
  private S3TestServer server;
  private S3Client s3;

  @BeforeEach
  void start() throws IOException {
    server = new S3TestServer(folder, 0);
    s3 = server.client(S3TestServer.SECRET);
    s3.createBucket(b -> b.bucket("demo"));
  }

  @AfterEach
  void stop() {
    s3.close();
    server.close();
  }

  @Test
  void each_put_is_a_version_and_a_deletion_hides_them_behind_a_mark() {
    String before = put("k", "before");
    versioning(BucketVersioningStatus.ENABLED);
    String one = put("k", "one");
    String two = put("k", "two");
    assertThat(before).isNull();
    assertThat(one).isNotEqualTo(two).hasSize(32);
    assertThat(read("k", "null")).isEqualTo("before");
    assertThat(read("k", one)).isEqualTo("one");
    assertThat(read("k", null)).isEqualTo("two");

    var deleted = s3.deleteObject(b -> b.bucket("demo").key("k"));
    assertThat(deleted.deleteMarker()).isTrue();
    assertThatThrownBy(() -> read("k", null))
        .isInstanceOfSatisfying(
            S3Exception.class,
            e -> {
              assertThat(e.awsErrorDetails().errorCode()).isEqualTo("NoSuchKey");
              assertThat(
                      e.awsErrorDetails()
                          .sdkHttpResponse()
                          .firstMatchingHeader("x-amz-delete-marker"))
                  .hasValue("true");
            });
    assertThatThrownBy(() -> read("k", deleted.versionId()))
        .isInstanceOf(S3Exception.class)
        .satisfies(e -> assertThat(((S3Exception) e).statusCode()).isEqualTo(405));
    assertThat(s3.listObjectsV2(b -> b.bucket("demo")).contents()).isEmpty();
    var all = s3.listObjectVersions(b -> b.bucket("demo"));
    assertThat(all.versions())
        .extracting(ObjectVersion::versionId)
        .containsExactly(two, one, "null");
    assertThat(all.deleteMarkers()).singleElement().matches(DeleteMarkerEntry::isLatest);

    s3.deleteObject(b -> b.bucket("demo").key("k").versionId(deleted.versionId()));
    assertThat(read("k", null)).isEqualTo("two");
    s3.deleteObject(b -> b.bucket("demo").key("k").versionId(two));
    assertThat(read("k", null)).isEqualTo("one");
    assertThatThrownBy(() -> s3.deleteBucket(b -> b.bucket("demo")))
        .hasMessageContaining("not empty");
  }

  @Test
  void suspended_versioning_replaces_the_null_version_only() {
    versioning(BucketVersioningStatus.ENABLED);
    String kept = put("k", "kept");
    versioning(BucketVersioningStatus.SUSPENDED);
    assertThat(put("k", "first")).isEqualTo("null");
    assertThat(put("k", "second")).isEqualTo("null");
    assertThat(s3.listObjectVersions(b -> b.bucket("demo")).versions())
        .extracting(ObjectVersion::versionId)
        .containsExactly("null", kept);
    assertThat(s3.deleteObject(b -> b.bucket("demo").key("k")).versionId()).isEqualTo("null");
    assertThat(read("k", kept)).isEqualTo("kept");
    assertThat(files("data")).hasSize(1);
  }

  @Test
  void versions_are_listed_in_pages() {
    versioning(BucketVersioningStatus.ENABLED);
    for (String key : List.of("a", "b/1", "b/2", "c")) {
      put(key, "1");
      put(key, "2");
    }
    assertThat(
            s3.listObjectVersionsPaginator(b -> b.bucket("demo").maxKeys(3)).versions().stream()
                .map(v -> v.key() + v.isLatest()))
        .containsExactly(
            "atrue", "afalse", "b/1true", "b/1false", "b/2true", "b/2false", "ctrue", "cfalse");
    var folded = s3.listObjectVersions(b -> b.bucket("demo").delimiter("/").maxKeys(3));
    assertThat(folded.commonPrefixes()).extracting(p -> p.prefix()).containsExactly("b/");
    assertThat(folded.nextKeyMarker()).isEqualTo("b/");
    assertThat(
            s3.listObjectVersions(b -> b.bucket("demo").delimiter("/").keyMarker("b/")).versions())
        .extracting(ObjectVersion::key)
        .containsExactly("c", "c");
  }

  @Test
  void tags_of_objects_and_buckets_are_kept_and_counted() {
    s3.putObject(
        b -> b.bucket("demo").key("k").tagging("a=1&b=%C3%BC"), RequestBody.fromString("x"));
    assertThat(s3.getObjectTagging(b -> b.bucket("demo").key("k")).tagSet())
        .containsExactlyInAnyOrder(tag("a", "1"), tag("b", "ü"));
    assertThat(s3.getObject(b -> b.bucket("demo").key("k")).response().tagCount()).isEqualTo(2);
    s3.putObjectTagging(b -> b.bucket("demo").key("k").tagging(t -> t.tagSet(tag("only", "one"))));
    s3.copyObject(
        b ->
            b.sourceBucket("demo").sourceKey("k").destinationBucket("demo").destinationKey("copy"));
    assertThat(s3.getObjectTagging(b -> b.bucket("demo").key("copy")).tagSet())
        .containsExactly(tag("only", "one"));
    assertThatThrownBy(() -> s3.getBucketTagging(b -> b.bucket("demo")))
        .hasMessageContaining("The TagSet does not exist");
    s3.putBucketTagging(b -> b.bucket("demo").tagging(t -> t.tagSet(tag("team", "blue"))));
    assertThat(s3.getBucketTagging(b -> b.bucket("demo")).tagSet())
        .containsExactly(tag("team", "blue"));
    assertThatThrownBy(
            () ->
                s3.putObjectTagging(
                    b ->
                        b.bucket("demo")
                            .key("k")
                            .tagging(t -> t.tagSet(tag("a", ""), tag("a", "")))))
        .hasMessageContaining("multiple Tags with the same key");
  }

  @Test
  void a_policy_of_the_bucket_is_evaluated() {
    put("open/a", "a");
    put("shut/b", "b");
    s3.putBucketPolicy(
        b ->
            b.bucket("demo")
                .policy(
                    """
                    {"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*",
                     "Action":"s3:GetObject","Resource":"arn:aws:s3:::demo/shut/*"}]}"""));
    assertThat(read("open/a", null)).isEqualTo("a");
    assertThatThrownBy(() -> read("shut/b", null))
        .isInstanceOfSatisfying(S3Exception.class, e -> assertThat(e.statusCode()).isEqualTo(403));
    assertThat(s3.getBucketPolicy(b -> b.bucket("demo")).policy()).contains("shut/*");
    s3.deleteBucketPolicy(b -> b.bucket("demo"));
    assertThat(read("shut/b", null)).isEqualTo("b");
    assertThatThrownBy(() -> s3.putBucketPolicy(b -> b.bucket("demo").policy("{no json")))
        .isInstanceOfSatisfying(
            S3Exception.class,
            e -> assertThat(e.awsErrorDetails().errorCode()).isEqualTo("MalformedPolicy"));
    assertThatThrownBy(() -> s3.getBucketPolicy(b -> b.bucket("demo")))
        .hasMessageContaining("The bucket policy does not exist");
  }

  @Test
  void parts_are_copied_checked_and_completed_once() {
    byte[] five = new byte[5 << 20];
    s3.putObject(b -> b.bucket("demo").key("source"), RequestBody.fromBytes(five));
    String id =
        s3.createMultipartUpload(
                b -> b.bucket("demo").key("big").checksumAlgorithm(ChecksumAlgorithm.CRC32))
            .uploadId();
    var first =
        s3.uploadPartCopy(
            b ->
                b.sourceBucket("demo")
                    .sourceKey("source")
                    .destinationBucket("demo")
                    .destinationKey("big")
                    .uploadId(id)
                    .partNumber(1)
                    .copySourceRange("bytes=0-" + (five.length - 1)));
    var second =
        s3.uploadPart(
            b ->
                b.bucket("demo")
                    .key("big")
                    .uploadId(id)
                    .partNumber(2)
                    .checksumAlgorithm(ChecksumAlgorithm.CRC32),
            RequestBody.fromString("tail"));
    assertThatThrownBy(() -> complete(id, part(1, "0".repeat(32)), part(2, second.eTag())))
        .hasMessageContaining("could not be found");
    assertThatThrownBy(
            () -> complete(id, part(2, second.eTag()), part(1, first.copyPartResult().eTag())))
        .hasMessageContaining("ascending order");
    var done = complete(id, part(1, first.copyPartResult().eTag()), part(2, second.eTag()));
    assertThat(done.checksumCRC32()).endsWith("-2");
    assertThat(complete(id, part(1, first.copyPartResult().eTag()), part(2, second.eTag())).eTag())
        .as("who did not hear the answer may ask again")
        .isEqualTo(done.eTag());
    assertThat(s3.listMultipartUploads(b -> b.bucket("demo")).uploads()).isEmpty();
    var part = s3.getObjectAsBytes(b -> b.bucket("demo").key("big").partNumber(2));
    assertThat(part.asUtf8String()).isEqualTo("tail");
    assertThat(part.response().partsCount()).isEqualTo(2);
    var attributes =
        s3.getObjectAttributes(
            b ->
                b.bucket("demo")
                    .key("big")
                    .objectAttributes(ObjectAttributes.OBJECT_SIZE, ObjectAttributes.CHECKSUM));
    assertThat(attributes.objectSize()).isEqualTo(five.length + 4L);
    assertThat(attributes.checksum().checksumTypeAsString()).isEqualTo("COMPOSITE");
    assertThat(files("parts")).isEmpty();
  }

  @Test
  void a_small_part_before_the_last_is_refused() {
    String id = s3.createMultipartUpload(b -> b.bucket("demo").key("big")).uploadId();
    CompletedPart[] parts = new CompletedPart[2];
    for (int i = 0; i < 2; i++) {
      int number = i + 1;
      parts[i] =
          part(
              number,
              s3.uploadPart(
                      b -> b.bucket("demo").key("big").uploadId(id).partNumber(number),
                      RequestBody.fromString("small"))
                  .eTag());
    }
    assertThatThrownBy(() -> complete(id, parts)).hasMessageContaining("smaller than the minimum");
    s3.abortMultipartUpload(b -> b.bucket("demo").key("big").uploadId(id));
    assertThat(files("parts")).isEmpty();
  }

  @Test
  void a_copy_takes_or_replaces_the_metadata() {
    s3.putObject(
        b -> b.bucket("demo").key("k").metadata(java.util.Map.of("a", "1")).contentType("text/x"),
        RequestBody.fromString("body"));
    assertThatThrownBy(() -> copy("k", MetadataDirective.COPY))
        .hasMessageContaining("copy an object to itself");
    copy("k", MetadataDirective.REPLACE);
    assertThat(s3.headObject(b -> b.bucket("demo").key("k")).metadata()).containsEntry("new", "2");
    assertThat(read("k", null)).isEqualTo("body");
  }

  @Test
  void what_is_not_served_is_refused_and_never_taken_for_done() {
    put("k", "x");
    for (Runnable refused :
        List.<Runnable>of(
            () ->
                s3.putObject(
                    b -> b.bucket("demo").key("e").serverSideEncryption("AES256"),
                    RequestBody.fromString("x")),
            () ->
                s3.putBucketCors(
                    b ->
                        b.bucket("demo")
                            .corsConfiguration(
                                c ->
                                    c.corsRules(r -> r.allowedMethods("GET").allowedOrigins("*")))),
            () -> s3.putBucketAcl(b -> b.bucket("demo").acl("public-read")))) {
      assertThatThrownBy(refused::run)
          .isInstanceOfSatisfying(
              S3Exception.class, e -> assertThat(e.statusCode()).isIn(400, 501));
    }
    assertThatThrownBy(() -> s3.getBucketCors(b -> b.bucket("demo")))
        .hasMessageContaining("The CORS configuration does not exist");
    s3.putObjectAcl(b -> b.bucket("demo").key("k").acl("private"));
    assertThat(s3.getObjectAcl(b -> b.bucket("demo").key("k")).grants()).hasSize(1);
  }

  @Test
  void many_keys_are_listed_in_bounded_pages() {
    for (int i = 0; i < 60; i++) {
      server.store.put("demo", "d%02d/f%d".formatted(i / 10, i % 10), new byte[0]);
    }
    assertThat(s3.listObjectsV2Paginator(b -> b.bucket("demo").maxKeys(7)).contents().stream())
        .hasSize(60);
    assertThat(
            s3
                .listObjectsV2Paginator(b -> b.bucket("demo").delimiter("/").maxKeys(4))
                .commonPrefixes()
                .stream())
        .hasSize(6);
  }

  private software.amazon.awssdk.services.s3.model.CompleteMultipartUploadResponse complete(
      String id, CompletedPart... parts) {
    return s3.completeMultipartUpload(
        b -> b.bucket("demo").key("big").uploadId(id).multipartUpload(m -> m.parts(parts)));
  }

  private static CompletedPart part(int number, String etag) {
    return CompletedPart.builder().partNumber(number).eTag(etag).build();
  }

  private static Tag tag(String key, String value) {
    return Tag.builder().key(key).value(value).build();
  }

  private void copy(String key, MetadataDirective directive) {
    s3.copyObject(
        b ->
            b.sourceBucket("demo")
                .sourceKey(key)
                .destinationBucket("demo")
                .destinationKey(key)
                .metadata(java.util.Map.of("new", "2"))
                .metadataDirective(directive));
  }

  private void versioning(BucketVersioningStatus status) {
    s3.putBucketVersioning(b -> b.bucket("demo").versioningConfiguration(v -> v.status(status)));
  }

  private String put(String key, String body) {
    return s3.putObject(b -> b.bucket("demo").key(key), RequestBody.fromString(body)).versionId();
  }

  private String read(String key, String version) {
    return s3.getObjectAsBytes(b -> b.bucket("demo").key(key).versionId(version)).asUtf8String();
  }

  private List<Path> files(String below) {
    try (Stream<Path> walk = Files.walk(folder.resolve(below))) {
      return walk.filter(Files::isRegularFile).toList();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
