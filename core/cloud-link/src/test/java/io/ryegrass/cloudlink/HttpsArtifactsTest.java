package io.ryegrass.cloudlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.cloudlink.FakeHttpsCloud.Asked;
import io.ryegrass.cloudlink.FakeHttpsCloud.Reply;
import io.ryegrass.model.Recipe;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.NucleusException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Artifacts of any HTTPS server, and what is known of all of them before the download. */
class HttpsArtifactsTest {
  private static final String ARN =
      "arn:aws:greengrass:us-east-1:000000000000:components:com.example.A:versions:1.2.0";

  @TempDir Path folder;
  private FakeHttpsCloud cloud;
  private CloudHttps https;

  @BeforeEach
  void start() throws Exception {
    cloud = new FakeHttpsCloud(folder);
    https = CloudHttps.of(cloud.settings(Clock.systemUTC()), FakeHttpsCloud.PATIENT);
  }

  @AfterEach
  void stop() {
    https.close();
    cloud.close();
  }

  private Recipe.Artifact artifact(String path) {
    return of(cloud.anybodysUrl() + path);
  }

  private static Recipe.Artifact of(String uri) {
    return new Recipe.Artifact(uri, null, null, Recipe.Unarchive.NONE, Recipe.Permission.DEFAULT);
  }

  /** Serves a file with ranges, as a careful server does. */
  private static Reply file(Asked a, byte[] content, String tag, int cut) {
    String range = a.header("range");
    String wanted = a.header("if-range");
    if (range.isEmpty() || !wanted.isEmpty() && !wanted.equals(tag)) {
      Reply whole = Reply.of(200, content).with("etag", tag);
      return cut > 0 ? whole.cutAfter(cut) : whole;
    }
    String[] ends = range.substring("bytes=".length()).split("-", 2);
    int from = Integer.parseInt(ends[0]);
    int to = ends[1].isEmpty() ? content.length : Integer.parseInt(ends[1]) + 1;
    return Reply.of(206, Arrays.copyOfRange(content, from, to))
        .with("content-range", "bytes " + from + "-" + (to - 1) + "/" + content.length);
  }

  @Test
  void anArtifactOfAnyServerIsFetchedWithoutShowingWhoAsks() throws Exception {
    byte[] content = bytes(70_000);
    cloud.answers = a -> file(a, content, "\"1\"", 0);
    Path target = folder.resolve("a.part");

    https.artifacts().download(ARN, artifact("/dir/file.bin?x=1"), target);

    assertThat(Files.readAllBytes(target)).isEqualTo(content);
    assertThat(cloud.asked.getFirst().target()).isEqualTo("/dir/file.bin?x=1");
    assertThat(cloud.asked.getFirst().peer()).isEmpty();
    assertThat(target.resolveSibling("a.part.version")).doesNotExist();
  }

  @Test
  void redirectsAreFollowedAsLongAsTheyStayWithHttps() throws Exception {
    byte[] content = bytes(1_000);
    cloud.answers =
        a ->
            switch (a.target()) {
              case "/a" -> Reply.of(302, new byte[0]).with("location", "/b");
              case "/b" -> Reply.of(308, new byte[0]).with("location", cloud.anybodysUrl() + "/c");
              default -> file(a, content, "\"1\"", 0);
            };
    Path target = folder.resolve("a.part");

    https.artifacts().download(ARN, artifact("/a"), target);

    assertThat(Files.readAllBytes(target)).isEqualTo(content);
  }

  @ParameterizedTest
  @ValueSource(strings = {"http://localhost/x", "file:///etc/passwd", "https:", "::"})
  void aRedirectToAnythingElseIsRefused(String location) {
    cloud.answers = a -> Reply.of(302, new byte[0]).with("location", location);

    assertThatThrownBy(
            () -> https.artifacts().download(ARN, artifact("/a"), folder.resolve("a.part")))
        .hasMessageContaining("not https:")
        .extracting(e -> ((NucleusException) e).code())
        .isEqualTo("HTTP_REQUEST_ERROR");
    assertThat(cloud.asked).hasSize(1);
  }

  @Test
  void redirectsInACircleEnd() {
    cloud.answers = a -> Reply.of(302, new byte[0]).with("location", "/a");

    assertThatThrownBy(
            () -> https.artifacts().download(ARN, artifact("/a"), folder.resolve("a.part")))
        .hasMessageContaining("more than 5 times");
    assertThat(cloud.asked).hasSize(6);
  }

  private Recipe.Artifact digested(String path) {
    return new Recipe.Artifact(
        cloud.anybodysUrl() + path,
        "checked by the nucleus",
        "SHA-256",
        Recipe.Unarchive.NONE,
        Recipe.Permission.DEFAULT);
  }

  /** A download that is cut, and then tried again by another process. */
  private long cutAndAgainByALaterProcess(Recipe.Artifact artifact, byte[] content, Path target)
      throws Exception {
    cloud.answers = a -> file(a, content, "\"v1\"", 60_000);
    assertThatThrownBy(() -> https.artifacts().download(ARN, artifact, target))
        .isInstanceOf(CloudUnavailableException.class);
    long have = Files.size(target);
    assertThat(have).isPositive();
    https.close();
    cloud.answers = a -> file(a, content, "\"v1\"", 0);
    try (CloudHttps later =
        CloudHttps.of(cloud.settings(Clock.systemUTC()), FakeHttpsCloud.PATIENT)) {
      later.artifacts().download(ARN, artifact, target);
    }
    assertThat(Files.readAllBytes(target)).isEqualTo(content);
    return have;
  }

  @Test
  void aPartIsContinuedByALaterProcessWithoutFetchingAgainWhatWasThere() throws Exception {
    long have =
        cutAndAgainByALaterProcess(digested("/f"), bytes(100_000), folder.resolve("a.part"));

    assertThat(cloud.asked.getLast().header("range")).isEqualTo("bytes=" + have + "-");
    assertThat(cloud.asked.getLast().header("if-range")).isEqualTo("\"v1\"");
  }

  /** A power cut may leave holes in a part, which only a digest would tell. */
  @Test
  void withoutADigestALaterProcessBeginsAnew() throws Exception {
    cutAndAgainByALaterProcess(artifact("/f"), bytes(100_000), folder.resolve("a.part"));

    assertThat(cloud.asked.getLast().header("range")).isEmpty();
  }

  @Test
  void aFileThatChangedMeanwhileIsFetchedAnewAndNeverMadeOfTwoVersions() throws Exception {
    byte[] before = bytes(100_000);
    byte[] after = bytes(80_000);
    Path target = folder.resolve("a.part");
    cloud.answers = a -> file(a, before, "\"v1\"", 60_000);
    assertThatThrownBy(() -> https.artifacts().download(ARN, artifact("/f"), target))
        .isInstanceOf(CloudUnavailableException.class);

    cloud.answers = a -> file(a, after, "\"v2\"", 0);
    https.artifacts().download(ARN, artifact("/f"), target);

    assertThat(Files.readAllBytes(target)).isEqualTo(after);
  }

  @Test
  void aPartOfWhichNothingIsKnownIsNotContinuedWithoutADigest() throws Exception {
    byte[] content = bytes(5_000);
    Path target = Files.write(folder.resolve("a.part"), bytes(900));
    cloud.answers = a -> file(a, content, "\"1\"", 0);

    https.artifacts().download(ARN, artifact("/f"), target);

    assertThat(Files.readAllBytes(target)).isEqualTo(content);
    assertThat(cloud.asked.getFirst().header("range")).isEmpty();
  }

  /** TRB-31: room is looked for before a download begins. */
  @Test
  void theSizeOfEachKindOfArtifactIsKnownBeforeItsDownload() {
    byte[] content = bytes(12_345);
    cloud.answers =
        a -> {
          if (a.target().startsWith("/greengrass/")) {
            return Reply.json(200, "{\"preSignedUrl\":\"" + cloud.url() + "/blob?sig=1\"}");
          }
          if (a.target().startsWith("/role-aliases/")) {
            return Reply.json(
                200,
                """
                {"credentials":{"accessKeyId":"id","secretAccessKey":"secret","sessionToken":"s",
                 "expiration":"%s"}}
                """
                    .formatted(Instant.now().plusSeconds(3600)));
          }
          return file(a, content, "\"1\"", 0);
        };

    assertThat(https.artifacts().size(ARN, of("greengrass:file.bin"))).isEqualTo(12_345);
    assertThat(https.artifacts().size(ARN, of("s3://bucket/file.bin"))).isEqualTo(12_345);
    assertThat(https.artifacts().size(ARN, artifact("/file.bin"))).isEqualTo(12_345);
    assertThat(cloud.asked)
        .filteredOn(a -> a.target().contains("b") && !a.header("range").isEmpty())
        .allMatch(a -> a.header("range").equals("bytes=0-0"))
        .hasSize(3);
  }

  @Test
  void aServerWithoutRangesTellsTheSizeByTheLengthOfItsAnswer() {
    cloud.answers = a -> Reply.of(200, bytes(777));

    assertThat(https.artifacts().size(ARN, artifact("/f"))).isEqualTo(777);
  }

  @Test
  void aSizeThatIsRefusedIsUnknownAndTheDownloadTellsWhy() {
    cloud.answers = a -> Reply.json(404, "gone");

    assertThat(https.artifacts().size(ARN, artifact("/f"))).isEqualTo(-1);
    assertThatThrownBy(
            () -> https.artifacts().download(ARN, artifact("/f"), folder.resolve("a.part")))
        .hasMessageContaining("404 gone")
        .extracting(e -> ((NucleusException) e).code())
        .isEqualTo("RESOURCE_NOT_FOUND");
  }

  @ParameterizedTest
  @ValueSource(strings = {"https:///f", "https://user:pw@localhost/f", "https://a b/f"})
  void anAddressThatIsNoneIsRefused(String uri) {
    assertThatThrownBy(() -> https.artifacts().download(ARN, of(uri), folder.resolve("a.part")))
        .extracting(e -> ((NucleusException) e).code())
        .isEqualTo("ARTIFACT_URI_NOT_VALID");
  }

  private static byte[] bytes(int length) {
    byte[] b = new byte[length];
    new Random(length).nextBytes(b);
    return b;
  }
}
