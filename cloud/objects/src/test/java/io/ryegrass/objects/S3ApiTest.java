package io.ryegrass.objects;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.awssignature.Credentials;
import io.ryegrass.awssignature.SigV4Signer;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.ChecksumAlgorithm;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;
import software.amazon.awssdk.services.s3.model.NoSuchBucketException;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.services.s3.model.NoSuchUploadException;
import software.amazon.awssdk.services.s3.model.ObjectIdentifier;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.S3Exception;

/** The AWS SDK for Java as a client of the S3 API over a real socket. */
class S3ApiTest {
  @TempDir Path folder;
  private S3TestServer server;
  private S3Client s3;
  private final HttpClient http = HttpClient.newHttpClient();

  @BeforeEach
  void start() throws IOException {
    server = new S3TestServer(folder, 0);
    s3 = client(S3TestServer.SECRET);
    s3.createBucket(b -> b.bucket("demo"));
  }

  @AfterEach
  void stop() {
    s3.close();
    server.close();
  }

  @Test
  void an_object_comes_back_with_type_etag_and_user_metadata() {
    put(
        "a/b ü+%.txt",
        "hello", b -> b.contentType("text/plain").metadata(java.util.Map.of("k", "v")));
    var response = s3.getObjectAsBytes(b -> b.bucket("demo").key("a/b ü+%.txt"));
    assertThat(response.asUtf8String()).isEqualTo("hello");
    assertThat(response.response().contentType()).isEqualTo("text/plain");
    assertThat(response.response().eTag()).isEqualTo("\"5d41402abc4b2a76b9719d911017c592\"");
    assertThat(response.response().metadata()).containsEntry("k", "v");
    var head = s3.headObject(b -> b.bucket("demo").key("a/b ü+%.txt"));
    assertThat(head.contentLength()).isEqualTo(5);
  }

  @ParameterizedTest
  @EnumSource(
      value = ChecksumAlgorithm.class,
      names = {"CRC32", "CRC32_C", "SHA1", "SHA256"})
  void a_checksum_of_the_client_is_verified_and_given_back(ChecksumAlgorithm algorithm) {
    put("sum", "123456789", b -> b.checksumAlgorithm(algorithm));
    var object = s3.getObjectAsBytes(b -> b.bucket("demo").key("sum").checksumMode("ENABLED"));
    assertThat(object.asUtf8String()).isEqualTo("123456789");
    assertThat(server.store.head("demo", "sum").orElseThrow().checksums())
        .containsKey(algorithm.toString().toLowerCase(java.util.Locale.ROOT));
  }

  @Test
  void the_crc64nvme_of_the_check_string_is_the_published_one() {
    Checksums checksums = new Checksums();
    checksums.add("crc64nvme");
    checksums.update("123456789".getBytes(), 0, 9);
    assertThat(
            java.util.HexFormat.of()
                .formatHex(
                    java.util.Base64.getDecoder()
                        .decode(checksums.result().named().get("crc64nvme"))))
        .isEqualTo("ae8b14860a799888");
  }

  @Test
  void a_wrong_checksum_is_refused_and_leaves_the_old_object() throws Exception {
    put("x", "old", b -> b);
    HttpResponse<String> answer =
        signed("PUT", "/demo/x", "new", "x-amz-checksum-crc32", "AAAAAA==");
    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(answer.body()).contains("<Code>BadDigest</Code>");
    assertThat(server.store.read("demo", "x").orElseThrow()).asString().isEqualTo("old");
    assertThat(folder.resolve("staging")).isEmptyDirectory();
  }

  @Test
  void ranges_are_served_as_the_rfc_says() throws Exception {
    put("r", "0123456789", b -> b);
    assertThat(range("bytes=2-4")).isEqualTo("234");
    assertThat(range("bytes=7-")).isEqualTo("789");
    assertThat(range("bytes=-3")).isEqualTo("789");
    assertThat(range("bytes=5-100")).isEqualTo("56789");
    assertThatThrownBy(() -> range("bytes=10-"))
        .isInstanceOfSatisfying(S3Exception.class, e -> assertThat(e.statusCode()).isEqualTo(416));
  }

  @Test
  void listing_folds_prefixes_pages_and_keeps_byte_order() {
    for (String key : List.of("b", "a/1", "a/2", "c/1", "c/d/2", "ü", "Z")) {
      put(key, key, b -> b);
    }
    var page = s3.listObjectsV2(b -> b.bucket("demo").delimiter("/"));
    assertThat(page.contents()).extracting(o -> o.key()).containsExactly("Z", "b", "ü");
    assertThat(page.commonPrefixes()).extracting(p -> p.prefix()).containsExactly("a/", "c/");
    List<String> paged =
        s3
            .listObjectsV2Paginator(
                ListObjectsV2Request.builder().bucket("demo").maxKeys(2).build())
            .contents()
            .stream()
            .map(o -> o.key())
            .toList();
    assertThat(paged).containsExactly("Z", "a/1", "a/2", "b", "c/1", "c/d/2", "ü");
    List<String> folded =
        s3
            .listObjectsV2Paginator(
                ListObjectsV2Request.builder().bucket("demo").maxKeys(1).delimiter("/").build())
            .commonPrefixes()
            .stream()
            .map(p -> p.prefix())
            .toList();
    assertThat(folded).containsExactly("a/", "c/");
    assertThat(s3.listObjects(b -> b.bucket("demo").prefix("c/").marker("c/1")).contents())
        .extracting(o -> o.key())
        .containsExactly("c/d/2");
  }

  @Test
  void an_upload_in_parts_becomes_one_object_and_survives_a_restart() throws IOException {
    byte[] first = new byte[5 << 20];
    new Random(1).nextBytes(first);
    String id = s3.createMultipartUpload(b -> b.bucket("demo").key("big")).uploadId();
    String tag1 =
        s3.uploadPart(
                b -> b.bucket("demo").key("big").uploadId(id).partNumber(1),
                RequestBody.fromBytes(first))
            .eTag();
    s3.close();
    server.close();
    server = new S3TestServer(folder, 0);
    s3 = client(S3TestServer.SECRET);
    String tag2 =
        s3.uploadPart(
                b -> b.bucket("demo").key("big").uploadId(id).partNumber(2),
                RequestBody.fromString("tail"))
            .eTag();
    assertThat(s3.listParts(b -> b.bucket("demo").key("big").uploadId(id)).parts()).hasSize(2);
    s3.completeMultipartUpload(
        b ->
            b.bucket("demo")
                .key("big")
                .uploadId(id)
                .multipartUpload(
                    m ->
                        m.parts(
                            CompletedPart.builder().partNumber(1).eTag(tag1).build(),
                            CompletedPart.builder().partNumber(2).eTag(tag2).build())));
    var head = s3.headObject(b -> b.bucket("demo").key("big"));
    assertThat(head.contentLength()).isEqualTo((5 << 20) + 4);
    assertThat(head.eTag()).endsWith("-2\"");
    assertThatThrownBy(() -> s3.abortMultipartUpload(b -> b.bucket("demo").key("big").uploadId(id)))
        .isInstanceOf(NoSuchUploadException.class);
  }

  @Test
  void what_is_stored_is_there_after_a_restart_and_what_is_half_received_is_not()
      throws IOException {
    put("keep", "kept", b -> b);
    java.nio.file.Files.writeString(folder.resolve("staging/half"), "ha");
    server.close();
    server = new S3TestServer(folder, 0);
    s3 = client(S3TestServer.SECRET);
    assertThat(s3.listObjectsV2(b -> b.bucket("demo")).contents())
        .extracting(o -> o.key())
        .containsExactly("keep");
    assertThat(folder.resolve("staging")).isEmptyDirectory();
  }

  @Test
  void objects_are_copied_and_deleted_one_by_one_or_together() {
    put("one", "1", b -> b);
    s3.copyObject(
        b ->
            b.sourceBucket("demo")
                .sourceKey("one")
                .destinationBucket("demo")
                .destinationKey("two"));
    assertThat(s3.getObjectAsBytes(b -> b.bucket("demo").key("two")).asUtf8String()).isEqualTo("1");
    s3.deleteObjects(
        b ->
            b.bucket("demo")
                .delete(
                    d ->
                        d.objects(
                            ObjectIdentifier.builder().key("one").build(),
                            ObjectIdentifier.builder().key("two").build())));
    assertThat(s3.listObjectsV2(b -> b.bucket("demo")).contents()).isEmpty();
    s3.deleteBucket(b -> b.bucket("demo"));
    assertThat(s3.listBuckets().buckets()).isEmpty();
  }

  @Test
  void errors_carry_the_codes_of_s3() {
    assertThatThrownBy(() -> s3.getObjectAsBytes(b -> b.bucket("demo").key("none")))
        .isInstanceOf(NoSuchKeyException.class);
    assertThatThrownBy(() -> s3.listObjectsV2(b -> b.bucket("nowhere")))
        .isInstanceOf(NoSuchBucketException.class);
    assertThatThrownBy(() -> server.store.createBucket("No_Good"))
        .hasMessageContaining("not valid");
    put("full", "x", b -> b);
    assertThatThrownBy(() -> s3.deleteBucket(b -> b.bucket("demo")))
        .isInstanceOfSatisfying(
            S3Exception.class,
            e -> assertThat(e.awsErrorDetails().errorCode()).isEqualTo("BucketNotEmpty"));
    assertThatThrownBy(() -> s3.getBucketAnalyticsConfiguration(b -> b.bucket("demo").id("a")))
        .isInstanceOfSatisfying(S3Exception.class, e -> assertThat(e.statusCode()).isEqualTo(501));
  }

  @Test
  void a_wrong_secret_and_a_missing_permission_are_refused() {
    try (S3Client stranger = client("another secret")) {
      assertThatThrownBy(() -> stranger.listBuckets())
          .isInstanceOfSatisfying(
              S3Exception.class,
              e -> {
                assertThat(e.statusCode()).isEqualTo(403);
                assertThat(e.awsErrorDetails().errorCode()).isEqualTo("SignatureDoesNotMatch");
              });
    }
    server.denied.add("s3:PutObject");
    assertThatThrownBy(() -> put("x", "x", b -> b))
        .isInstanceOfSatisfying(
            S3Exception.class,
            e -> assertThat(e.awsErrorDetails().errorCode()).isEqualTo("AccessDenied"))
        .hasMessageContaining("arn:aws:s3:::demo/x");
  }

  @Test
  void a_presigned_url_gives_one_object_and_nothing_else() throws Exception {
    server.store.createBucket(".own");
    server.store.put(".own", "sub/f.zip", "zipped".getBytes());
    String url =
        server.store.presignGet(
            server.uri(), "us-east-1", ".own", "sub/f.zip", Duration.ofMinutes(5));
    assertThat(fetch("GET", url, "").body()).isEqualTo("zipped");
    assertThat(fetch("GET", url.replace("f.zip", "g.zip"), "").statusCode()).isEqualTo(403);
    assertThat(fetch("PUT", url, "x").statusCode()).isEqualTo(403);
    assertThat(fetch("GET", url.substring(0, url.indexOf('?')), "").statusCode()).isEqualTo(403);
    assertThatThrownBy(() -> s3.getObjectAsBytes(b -> b.bucket(".own").key("sub/f.zip")))
        .isInstanceOf(S3Exception.class);
    assertThat(s3.listBuckets().buckets()).extracting(b -> b.name()).containsExactly("demo");
  }

  @Test
  void a_url_of_version_2_is_good_for_what_it_was_signed_for() throws Exception {
    s3.putObject(b -> b.bucket("demo").key("old url.txt"), RequestBody.fromString("old"));
    long expires = Instant.now().getEpochSecond() + 300;
    String url = version2("GET", "/demo/old%20url.txt", expires, "");

    assertThat(fetch("GET", url, "").body()).isEqualTo("old");
    assertThat(fetch("PUT", url, "x").body()).contains("SignatureDoesNotMatch");
    assertThat(fetch("DELETE", url, "").statusCode()).isEqualTo(403);
    assertThat(fetch("GET", url + "&versionId=null", "").statusCode()).isEqualTo(403);
    assertThat(fetch("GET", url + "&attributes", "").body()).contains("attributes", "s3v4");
    assertThat(fetch("GET", url + "&Expires=" + (expires + 1), "").statusCode()).isEqualTo(403);
    assertThat(fetch("GET", version2("GET", "/demo/old%20url.txt", 1, ""), "").body())
        .contains("AccessDenied", "Request has expired");
    assertThat(fetch("PUT", version2("PUT", "/demo/new.txt", expires, ""), "put").statusCode())
        .isEqualTo(200);
    assertThat(s3.getObjectAsBytes(b -> b.bucket("demo").key("new.txt")).asUtf8String())
        .isEqualTo("put");
    assertThat(
            fetch(
                    "GET",
                    version2("GET", "/demo/new.txt", expires, "?response-content-type=a/b"),
                    "")
                .headers()
                .firstValue("content-type"))
        .contains("a/b");
  }

  private String version2(String method, String path, long expires, String resources)
      throws Exception {
    Mac mac = Mac.getInstance("HmacSHA1");
    mac.init(new SecretKeySpec(S3TestServer.SECRET.getBytes(UTF_8), "HmacSHA1"));
    String text = method + "\n\n\n" + expires + "\n" + path + resources;
    return server.uri()
        + path
        + (resources.isEmpty() ? "?" : resources + "&")
        + "AWSAccessKeyId="
        + S3TestServer.KEY_ID
        + "&Expires="
        + expires
        + "&Signature="
        + URLEncoder.encode(
            Base64.getEncoder().encodeToString(mac.doFinal(text.getBytes(UTF_8))), UTF_8);
  }

  @Test
  void a_document_that_is_no_utf8_is_malformed_xml_and_no_failure_of_ours() throws Exception {
    String url =
        SigV4Signer.presign(
            new Credentials(S3TestServer.KEY_ID, S3TestServer.SECRET, null),
            "us-east-1",
            "s3",
            "POST",
            URI.create(server.uri() + "/demo?delete="),
            Duration.ofMinutes(1),
            Instant.now());
    var answer =
        http.send(
            java.net.http.HttpRequest.newBuilder(URI.create(url))
                .POST(
                    java.net.http.HttpRequest.BodyPublishers.ofByteArray(
                        new byte[] {0, (byte) 0xff}))
                .build(),
            java.net.http.HttpResponse.BodyHandlers.ofString());
    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(answer.body()).contains("<Code>MalformedXML</Code>");
  }

  @Test
  void a_presigned_put_of_a_caller_stores_the_body() throws Exception {
    String url =
        SigV4Signer.presign(
            new Credentials(S3TestServer.KEY_ID, S3TestServer.SECRET, null),
            "us-east-1",
            "s3",
            "PUT",
            URI.create(server.uri() + "/demo/by-url"),
            Duration.ofMinutes(1),
            Instant.now());
    assertThat(fetch("PUT", url, "content").statusCode()).isEqualTo(200);
    assertThat(server.store.read("demo", "by-url").orElseThrow()).asString().isEqualTo("content");
  }

  @Test
  void of_many_that_create_a_key_at_once_only_one_succeeds() throws Exception {
    java.util.concurrent.atomic.AtomicInteger won = new java.util.concurrent.atomic.AtomicInteger();
    List<Thread> threads = new java.util.ArrayList<>();
    for (int i = 0; i < 8; i++) {
      String body = "from " + i;
      threads.add(
          Thread.ofVirtual()
              .start(
                  () -> {
                    try {
                      put("once", body, b -> b.ifNoneMatch("*"));
                      won.incrementAndGet();
                    } catch (S3Exception e) {
                      assertThat(e.statusCode()).isEqualTo(412);
                    }
                  }));
    }
    for (Thread thread : threads) {
      assertThat(thread.join(Duration.ofSeconds(60))).isTrue();
    }
    assertThat(won).hasValue(1);
  }

  @Test
  void a_body_larger_than_the_bound_is_refused() {
    assertThatThrownBy(
            () ->
                s3.putObject(
                    b -> b.bucket("demo").key("huge"),
                    RequestBody.fromBytes(new byte[(64 << 20) + 1])))
        .hasMessageContaining("maximum allowed size");
  }

  private String range(String range) {
    return s3.getObjectAsBytes(b -> b.bucket("demo").key("r").range(range)).asUtf8String();
  }

  private void put(String key, String body, UnaryOperator<PutObjectRequest.Builder> more) {
    PutObjectRequest.Builder request =
        more.apply(PutObjectRequest.builder().bucket("demo").key(key));
    s3.putObject(request.build(), RequestBody.fromString(body));
  }

  private HttpResponse<String> signed(
      String method, String path, String body, String header, String value) throws Exception {
    var headers =
        new java.util.HashMap<>(
            java.util.Map.of("host", List.of(server.uri().getAuthority()), header, List.of(value)));
    var request = new io.ryegrass.awssignature.HttpRequestToSign(method, path, "", headers);
    var added =
        SigV4Signer.sign(
            new Credentials(S3TestServer.KEY_ID, S3TestServer.SECRET, null),
            "us-east-1",
            "s3",
            request,
            body.getBytes(),
            Instant.now());
    HttpRequest.Builder builder =
        HttpRequest.newBuilder(URI.create(server.uri() + path))
            .method(method, HttpRequest.BodyPublishers.ofString(body))
            .header(header, value);
    added.forEach(builder::header);
    return http.send(builder.build(), HttpResponse.BodyHandlers.ofString());
  }

  private HttpResponse<String> fetch(String method, String url, String body) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(url))
            .method(
                method,
                body.isEmpty()
                    ? HttpRequest.BodyPublishers.noBody()
                    : HttpRequest.BodyPublishers.ofString(body))
            .build();
    return http.send(request, HttpResponse.BodyHandlers.ofString());
  }

  private S3Client client(String secret) {
    return S3Client.builder()
        .endpointOverride(server.uri())
        .region(Region.US_EAST_1)
        .forcePathStyle(true)
        .httpClient(UrlConnectionHttpClient.create())
        .credentialsProvider(
            StaticCredentialsProvider.create(
                AwsBasicCredentials.create(S3TestServer.KEY_ID, secret)))
        .build();
  }
}
