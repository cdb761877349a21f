package io.ryegrass.objects;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.awssignature.Credentials;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.BucketVersioningStatus;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.ObjectIdentifier;
import software.amazon.awssdk.services.s3.model.S3Exception;

/** One server keeps its objects on another. */
class RemoteStoreTest {
  @TempDir Path there;
  @TempDir Path here;
  private S3TestServer far;
  private S3TestServer near;
  private S3Client s3;

  @BeforeEach
  void start() throws IOException {
    far = new S3TestServer(there, 0);
    near = new S3TestServer(remote(far.uri()), 0);
    s3 = near.client(S3TestServer.SECRET);
    s3.createBucket(b -> b.bucket("demo"));
  }

  @AfterEach
  void stop() {
    s3.close();
    near.close();
    far.close();
  }

  private ObjectStore remote(URI endpoint) {
    return ObjectStore.open(
        here,
        new RemoteServer(
            endpoint,
            "us-east-1",
            "site1-",
            new Credentials(S3TestServer.KEY_ID, S3TestServer.SECRET, null)),
        Clock.systemUTC());
  }

  @Test
  void objects_of_callers_and_of_the_program_lie_on_the_other_server() {
    s3.putObject(
        b -> b.bucket("demo").key("a/ü +%.txt").metadata(Map.of("m", "1")).contentType("text/x"),
        RequestBody.fromString("hello"));
    assertThat(far.store.read("site1-demo", "a/ü +%.txt")).hasValue(bytes("hello"));
    var got = s3.getObjectAsBytes(b -> b.bucket("demo").key("a/ü +%.txt").range("bytes=1-2"));
    assertThat(got.asUtf8String()).isEqualTo("el");
    assertThat(got.response().metadata()).containsEntry("m", "1");
    assertThat(near.store.createBucket(".lambda")).isTrue();
    assertThat(near.store.createBucket(".lambda")).isFalse();
    near.store.put(".lambda", "f/1.zip", bytes("zipped"));
    assertThat(near.store.read(".lambda", "f/1.zip")).hasValue(bytes("zipped"));
    assertThat(near.store.sha256(".lambda", "f/1.zip"))
        .hasValueSatisfying(d -> assertThat(d).hasSize(32));
    assertThat(near.store.read(".lambda", "none")).isEmpty();
    assertThatThrownBy(() -> near.store.read("nowhere", "x")).hasMessageContaining("bucket");
    assertThat(s3.listBuckets().buckets()).extracting(b -> b.name()).containsExactly("demo");
    assertThatThrownBy(
            () -> s3.getObjectAsBytes(b -> b.bucket("ryegrass-own-lambda").key("f/1.zip")))
        .isInstanceOfSatisfying(S3Exception.class, e -> assertThat(e.statusCode()).isEqualTo(403));
  }

  @Test
  void a_url_leads_through_this_server_to_the_other() throws Exception {
    near.store.createBucket(".own");
    near.store.put(".own", "k", bytes("through"));
    String url = near.store.presignGet(near.uri(), "us-east-1", ".own", "k", Duration.ofMinutes(5));
    HttpResponse<String> answer =
        HttpClient.newHttpClient()
            .send(
                HttpRequest.newBuilder(URI.create(url)).build(),
                HttpResponse.BodyHandlers.ofString());
    assertThat(answer.body()).isEqualTo("through");
  }

  @Test
  void versions_parts_copies_listings_and_deletions_go_on() {
    s3.putBucketVersioning(
        b ->
            b.bucket("demo")
                .versioningConfiguration(v -> v.status(BucketVersioningStatus.ENABLED)));
    String id = s3.createMultipartUpload(b -> b.bucket("demo").key("big")).uploadId();
    String tag =
        s3.uploadPart(
                b -> b.bucket("demo").key("big").uploadId(id).partNumber(1),
                RequestBody.fromString("part"))
            .eTag();
    var done =
        s3.completeMultipartUpload(
            b ->
                b.bucket("demo")
                    .key("big")
                    .uploadId(id)
                    .multipartUpload(
                        m -> m.parts(CompletedPart.builder().partNumber(1).eTag(tag).build())));
    assertThat(done.bucket()).isEqualTo("demo");
    assertThat(done.versionId()).hasSize(32);
    s3.copyObject(
        b ->
            b.sourceBucket("demo")
                .sourceKey("big")
                .destinationBucket("demo")
                .destinationKey("copy"));
    var listed = s3.listObjectsV2(b -> b.bucket("demo"));
    assertThat(listed.name()).isEqualTo("demo");
    assertThat(listed.contents()).extracting(o -> o.key()).containsExactly("big", "copy");
    s3.deleteObjects(
        b ->
            b.bucket("demo")
                .delete(d -> d.objects(ObjectIdentifier.builder().key("copy").build())));
    assertThatThrownBy(() -> s3.getObjectAsBytes(b -> b.bucket("demo").key("copy")))
        .hasMessageContaining("does not exist");
  }

  @Test
  void policies_are_judged_here_and_what_only_the_other_knows_is_refused() {
    near.denied.add("s3:PutObject");
    assertThatThrownBy(
            () -> s3.putObject(b -> b.bucket("demo").key("x"), RequestBody.fromString("x")))
        .hasMessageContaining("s3:PutObject");
    assertThat(far.store.read("site1-demo", "x")).isEmpty();
    assertThatThrownBy(() -> s3.putBucketPolicy(b -> b.bucket("demo").policy("{}")))
        .isInstanceOfSatisfying(S3Exception.class, e -> assertThat(e.statusCode()).isEqualTo(501));
  }

  @Test
  void a_server_that_is_not_there_is_named() {
    far.close();
    assertThatThrownBy(() -> near.store.put("demo", "k", bytes("x")))
        .hasMessageContaining(far.uri().toString())
        .hasMessageContaining("cannot be reached");
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
