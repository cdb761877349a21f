package io.ryegrass.objects;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.awssignature.Credentials;
import io.ryegrass.awssignature.SigV4Signer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests that mean harm, well signed. */
class S3HostileTest {
  @TempDir Path folder;
  private S3TestServer server;

  @BeforeEach
  void start() throws IOException {
    server = new S3TestServer(folder, 0);
    server.store.createBucket("demo");
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "<!DOCTYPE d [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><Delete><Object><Key>&x;</Key></Object></Delete>",
        "<!DOCTYPE d [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><Delete><Object><Key>&b;</Key></Object></Delete>",
        "<Delete><Object><Key>&undeclared;</Key></Object></Delete>",
        "<Delete><Object><Key>x</Key></Object>",
        "<Other><Object><Key>x</Key></Object></Other>",
        "",
        "{\"json\":1}"
      })
  void a_document_with_entities_or_no_document_at_all_is_malformed(String document)
      throws IOException {
    assertThat(send("POST", "/demo", "delete=", document)).contains("MalformedXML", " 400 ");
  }

  @Test
  void elements_inside_each_other_without_end_are_refused() throws IOException {
    String deep = "<Delete>" + "<a>".repeat(100_000);
    assertThat(send("POST", "/demo", "delete=", deep)).contains("MalformedXML");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "..%2F..%2Fetc%2Fpasswd",
        "a%2F..%2Fb",
        "%2E%2E/%2E%2E/x",
        "/",
        "//x",
        "a//b",
        "%25"
      })
  void tricks_with_paths_are_only_strange_keys(String path) throws IOException {
    assertThat(send("PUT", "/demo/" + path, "", "body")).contains(" 200 ");
    assertThat(send("GET", "/demo/" + path, "", "")).contains(" 200 ", "body");
    try (Stream<Path> walk = Files.walk(folder)) {
      assertThat(walk.filter(f -> f.toString().contains("passwd"))).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"nul%00byte", "half%C3", "%", "%zz", "%FF%FE"})
  void what_cannot_be_decoded_is_refused(String key) throws IOException {
    assertThat(send("PUT", "/demo/" + key, "", "body")).contains(" 400 ");
  }

  @Test
  void keys_end_at_1024_bytes() throws IOException {
    assertThat(send("PUT", "/demo/" + "k".repeat(1024), "", "x")).contains(" 200 ");
    assertThat(send("PUT", "/demo/" + "k".repeat(1025), "", "x")).contains("KeyTooLongError");
    assertThat(send("PUT", "/demo/" + "%C3%BC".repeat(513), "", "x")).contains("KeyTooLongError");
  }

  @Test
  void random_documents_never_are_a_failure_of_ours() {
    Random random = new Random(42);
    String[] tokens = {
      "<Delete>",
      "</Delete>",
      "<Object>",
      "</Object>",
      "<Key>",
      "</Key>",
      "x",
      "&amp;",
      "&#0;",
      "<![CDATA[",
      "]]>",
      "<!--",
      "-->",
      "<?pi ?>",
      "<",
      ">",
      "\u0001",
      "ü",
      " xmlns=\"a\""
    };
    for (int i = 0; i < 2000; i++) {
      StringBuilder text = new StringBuilder(random.nextBoolean() ? "<Delete>" : "");
      for (int n = random.nextInt(20); n > 0; n--) {
        text.append(tokens[random.nextInt(tokens.length)]);
      }
      try {
        S3Xml.read(text.toString(), "Delete");
      } catch (S3Exception e) {
        assertThat(e.code()).as(text.toString()).isEqualTo("MalformedXML");
      }
    }
  }

  @Test
  void random_queries_are_answered_and_never_with_500() throws IOException {
    Random random = new Random(7);
    String[] names = {
      "list-type",
      "max-keys",
      "prefix",
      "delimiter",
      "marker",
      "continuation-token",
      "versions",
      "key-marker",
      "version-id-marker",
      "uploads",
      "uploadId",
      "partNumber",
      "versioning",
      "policy",
      "tagging",
      "location",
      "acl",
      "encoding-type",
      "max-uploads",
      "start-after",
      "policyStatus",
      "publicAccessBlock",
      "versionId",
      "attributes",
      "ownershipControls"
    };
    String[] values = {
      "", "1", "2", "-1", "abc", "%2F", "url", "99999999999", "AA", "null", "%F0%9F%98%80"
    };
    String[] methods = {"GET", "PUT", "POST", "DELETE", "HEAD", "PATCH"};
    for (int i = 0; i < 300; i++) {
      StringBuilder query = new StringBuilder();
      for (int n = random.nextInt(4); n >= 0; n--) {
        query
            .append(query.isEmpty() ? "" : "&")
            .append(names[random.nextInt(names.length)])
            .append('=')
            .append(values[random.nextInt(values.length)]);
      }
      String path = random.nextBoolean() ? "/demo" : "/demo/some/key";
      String method = methods[random.nextInt(methods.length)];
      assertThat(send(method, path, query.toString(), ""))
          .as(method + " " + path + "?" + query)
          .doesNotContain(" 500 ");
      server.store.createBucket("demo");
    }
  }

  @Test
  void a_bucket_name_may_not_leave_the_folder() {
    for (String name : new String[] {"..", "../x", "a..b", "UPPER", "a", "192.168.0.1", "a/b"}) {
      assertThatThrownBy(() -> server.store.createBucket(name)).isInstanceOf(S3Exception.class);
    }
  }

  /** As it stands on the wire, without a client that would tidy it up. */
  private String send(String method, String path, String query, String body) throws IOException {
    String url;
    try {
      url =
          SigV4Signer.presign(
              new Credentials(S3TestServer.KEY_ID, S3TestServer.SECRET, null),
              "us-east-1",
              "s3",
              method,
              URI.create(server.uri() + path + (query.isEmpty() ? "" : "?" + query)),
              Duration.ofMinutes(5),
              Instant.now());
    } catch (IllegalArgumentException e) {
      url = server.uri() + path + "?X-Amz-Signature=0"; // not even to be signed
    }
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    String target = url.substring(server.uri().toString().length());
    try (Socket socket = new Socket("127.0.0.1", server.uri().getPort())) {
      socket.setSoTimeout(20_000);
      // in one piece: a server that refuses the head resets a connection on which a body is unread
      ByteArrayOutputStream request = new ByteArrayOutputStream();
      request.writeBytes(
          (method
                  + " "
                  + target
                  + " HTTP/1.1\r\nHost: "
                  + server.uri().getAuthority()
                  + "\r\nConnection: close\r\nContent-Length: "
                  + bytes.length
                  + "\r\n\r\n")
              .getBytes(StandardCharsets.UTF_8));
      request.writeBytes(bytes);
      socket.getOutputStream().write(request.toByteArray());
      InputStream in = socket.getInputStream();
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
