package io.ryegrass.secrets;

import static io.ryegrass.secrets.SecretsCloud.ARNS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.store.testing.OnBothDatabases;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.CreateSecretResponse;
import software.amazon.awssdk.services.secretsmanager.model.FilterNameStringType;
import software.amazon.awssdk.services.secretsmanager.model.InvalidNextTokenException;
import software.amazon.awssdk.services.secretsmanager.model.InvalidParameterException;
import software.amazon.awssdk.services.secretsmanager.model.InvalidRequestException;
import software.amazon.awssdk.services.secretsmanager.model.LimitExceededException;
import software.amazon.awssdk.services.secretsmanager.model.ResourceExistsException;
import software.amazon.awssdk.services.secretsmanager.model.ResourceNotFoundException;
import software.amazon.awssdk.services.secretsmanager.model.SecretListEntry;
import software.amazon.awssdk.services.secretsmanager.model.SecretsManagerException;
import software.amazon.awssdk.services.secretsmanager.model.SortOrderType;
import software.amazon.awssdk.services.secretsmanager.model.Tag;

/** The Secrets Manager API as AWS's own Java client sees it. */
@OnBothDatabases
class SecretsServiceTest {
  private static final String ONE = "11111111-1111-1111-1111-111111111111";
  private static final String TWO = "22222222-2222-2222-2222-222222222222";
  private static final String THREE = "33333333-3333-3333-3333-333333333333";

  @TempDir Path folder;
  private SecretsCloud cloud;
  private SecretsManagerClient client;

  @BeforeEach
  void start() throws Exception {
    cloud = new SecretsCloud(folder);
    client = cloud.client();
  }

  @AfterEach
  void stop() throws Exception {
    cloud.close();
  }

  private CreateSecretResponse create(String name, String value) {
    return client.createSecret(r -> r.name(name).secretString(value).clientRequestToken(ONE));
  }

  private String put(String name, String token, String value) {
    return client
        .putSecretValue(r -> r.secretId(name).secretString(value).clientRequestToken(token))
        .versionId();
  }

  private Map<String, List<String>> stages(String name) {
    return client.describeSecret(r -> r.secretId(name)).versionIdsToStages();
  }

  @Test
  void aSecretWithoutAValueShowsNoVersions() {
    client.createSecret(r -> r.name("empty"));
    assertThat(client.describeSecret(r -> r.secretId("empty")).hasVersionIdsToStages()).isFalse();
    assertThatThrownBy(() -> client.batchGetSecretValue(r -> r.secretIdList("empty").maxResults(5)))
        .hasMessageContaining("'Filters' must also be specified when 'MaxResults' is provided.");
  }

  @Test
  void aSecretIsFoundByNameByArnAndByArnWithoutItsRandomCharacters() {
    CreateSecretResponse made = create("fleet/db-password", "s3cr3t");
    assertThat(made.arn()).matches(ARNS + "fleet/db-password-[A-Za-z0-9]{6}");
    assertThat(made.versionId()).isEqualTo(ONE);
    for (String id : List.of("fleet/db-password", made.arn(), ARNS + "fleet/db-password")) {
      var got = client.getSecretValue(r -> r.secretId(id));
      assertThat(got.secretString()).isEqualTo("s3cr3t");
      assertThat(got.arn()).isEqualTo(made.arn());
      assertThat(got.name()).isEqualTo("fleet/db-password");
      assertThat(got.versionId()).isEqualTo(ONE);
      assertThat(got.versionStages()).containsExactly("AWSCURRENT");
    }
    for (String id : List.of("fleet/db", "nobody", made.arn().replace(":0000", ":1111"))) {
      assertThatThrownBy(() -> client.getSecretValue(r -> r.secretId(id)))
          .isInstanceOf(ResourceNotFoundException.class)
          .hasMessageContaining("Secrets Manager can't find the specified secret.");
    }
  }

  @Test
  void binaryValuesComeBackByteForByteAndTextInAnyLanguage() {
    byte[] bytes = new byte[65_536];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (i * 31);
    }
    client.createSecret(r -> r.name("bin").secretBinary(SdkBytes.fromByteArray(bytes)));
    var got = client.getSecretValue(r -> r.secretId("bin"));
    assertThat(got.secretBinary().asByteArray()).isEqualTo(bytes);
    assertThat(got.secretString()).isNull();
    create("text", "Grüße \uD83D\uDE00 \"{}");
    assertThat(client.getSecretValue(r -> r.secretId("text")).secretString())
        .isEqualTo("Grüße \uD83D\uDE00 \"{}");
  }

  @Test
  void aValueOfMoreThan64KilobytesIsRefusedWithoutShowingIt() {
    assertThatThrownBy(() -> create("big", "ü".repeat(33_000)))
        .isInstanceOf(InvalidParameterException.class)
        .hasMessageContaining("66000 bytes");
    assertThatThrownBy(() -> create("big", "x".repeat(65_537)))
        .isInstanceOf(SecretsManagerException.class)
        .hasMessageContaining("secretString")
        .message()
        .doesNotContain("xxx");
  }

  @Test
  void eachPutMovesAwscurrentAndLeavesAwspreviousOnTheOneBefore() {
    create("s", "one");
    put("s", TWO, "two");
    assertThat(stages("s"))
        .isEqualTo(Map.of(ONE, List.of("AWSPREVIOUS"), TWO, List.of("AWSCURRENT")));
    put("s", THREE, "three");
    assertThat(stages("s"))
        .isEqualTo(Map.of(TWO, List.of("AWSPREVIOUS"), THREE, List.of("AWSCURRENT")));
    assertThat(client.getSecretValue(r -> r.secretId("s")).secretString()).isEqualTo("three");
    assertThat(
            client.getSecretValue(r -> r.secretId("s").versionStage("AWSPREVIOUS")).secretString())
        .isEqualTo("two");
    assertThat(client.getSecretValue(r -> r.secretId("s").versionId(ONE)).secretString())
        .isEqualTo("one");
    assertThatThrownBy(
            () ->
                client.getSecretValue(
                    r -> r.secretId("s").versionId(ONE).versionStage("AWSCURRENT")))
        .isInstanceOf(InvalidRequestException.class);
    assertThatThrownBy(() -> client.getSecretValue(r -> r.secretId("s").versionStage("MINE")))
        .isInstanceOf(ResourceNotFoundException.class)
        .hasMessageContaining("staging label: MINE");
    assertThat(client.listSecretVersionIds(r -> r.secretId("s")).versions()).hasSize(2);
    var all = client.listSecretVersionIds(r -> r.secretId("s").includeDeprecated(true));
    assertThat(all.versions()).extracting(v -> v.versionId()).containsExactly(THREE, TWO, ONE);
  }

  @Test
  void aRotationPutsAPendingVersionAndThenMovesTheLabel() {
    create("s", "old");
    client.putSecretValue(
        r ->
            r.secretId("s")
                .secretString("new")
                .clientRequestToken(TWO)
                .versionStages("AWSPENDING"));
    assertThat(client.getSecretValue(r -> r.secretId("s")).secretString()).isEqualTo("old");
    assertThatThrownBy(
            () ->
                client.updateSecretVersionStage(
                    r -> r.secretId("s").versionStage("AWSCURRENT").moveToVersionId(TWO)))
        .isInstanceOf(InvalidParameterException.class)
        .hasMessageContaining("RemoveFromVersionId can't be empty")
        .hasMessageContaining(ONE);
    client.updateSecretVersionStage(
        r ->
            r.secretId("s")
                .versionStage("AWSCURRENT")
                .moveToVersionId(TWO)
                .removeFromVersionId(ONE));
    assertThat(stages("s"))
        .isEqualTo(Map.of(ONE, List.of("AWSPREVIOUS"), TWO, List.of("AWSCURRENT", "AWSPENDING")));
    client.updateSecretVersionStage(
        r -> r.secretId("s").versionStage("AWSPENDING").removeFromVersionId(TWO));
    assertThat(stages("s").get(TWO)).containsExactly("AWSCURRENT");
    // and back
    client.updateSecretVersionStage(
        r ->
            r.secretId("s")
                .versionStage("AWSCURRENT")
                .moveToVersionId(ONE)
                .removeFromVersionId(TWO));
    assertThat(stages("s"))
        .isEqualTo(Map.of(ONE, List.of("AWSCURRENT"), TWO, List.of("AWSPREVIOUS")));
    assertThatThrownBy(
            () ->
                client.updateSecretVersionStage(
                    r -> r.secretId("s").versionStage("AWSCURRENT").removeFromVersionId(ONE)))
        .isInstanceOf(InvalidParameterException.class)
        .hasMessageContaining("can't be completely removed");
  }

  @Test
  void aTokenThatIsSentAgainChangesNothingAndWithAnotherValueIsRefused() {
    CreateSecretResponse first = create("s", "one");
    assertThat(create("s", "one").arn()).isEqualTo(first.arn());
    assertThatThrownBy(() -> create("s", "other"))
        .isInstanceOf(ResourceExistsException.class)
        .hasMessageContaining("ClientRequestToken");
    assertThatThrownBy(() -> client.createSecret(r -> r.name("s").secretString("one")))
        .isInstanceOf(ResourceExistsException.class)
        .hasMessageContaining("the secret s already exists");
    put("s", TWO, "two");
    put("s", ONE, "one"); // a late retry of the first one does not become current again
    assertThat(client.getSecretValue(r -> r.secretId("s")).secretString()).isEqualTo("two");
    assertThatThrownBy(() -> put("s", TWO, "other")).isInstanceOf(ResourceExistsException.class);
    assertThat(
            client
                .updateSecret(r -> r.secretId("s").secretString("two").clientRequestToken(TWO))
                .versionId())
        .isEqualTo(TWO);
    assertThat(client.listSecretVersionIds(r -> r.secretId("s").includeDeprecated(true)).versions())
        .hasSize(2);
  }

  @Test
  void aSecretWithoutValueGetsItsFirstVersionAsCurrentWhateverLabelWasAskedFor() {
    assertThat(client.createSecret(r -> r.name("empty")).versionId()).isNull();
    assertThatThrownBy(() -> client.getSecretValue(r -> r.secretId("empty")))
        .isInstanceOf(ResourceNotFoundException.class)
        .hasMessageContaining("staging label: AWSCURRENT");
    assertThatThrownBy(() -> client.putSecretValue(r -> r.secretId("empty")))
        .isInstanceOf(InvalidParameterException.class);
    var put =
        client.putSecretValue(r -> r.secretId("empty").secretString("v").versionStages("MINE"));
    assertThat(put.versionStages()).containsExactly("AWSCURRENT", "MINE");
  }

  @Test
  void theHundredthVersionNeedsRoomThatOnlyOldVersionsWithoutLabelsGive() {
    create("s", "0");
    for (int i = 1; i < 100; i++) {
      String token = UUID.randomUUID().toString();
      put("s", token, "v" + i);
    }
    assertThatThrownBy(() -> put("s", UUID.randomUUID().toString(), "v100"))
        .isInstanceOf(LimitExceededException.class)
        .hasMessageContaining("24 hours");
    cloud.clock.forward(Duration.ofHours(25));
    put("s", UUID.randomUUID().toString(), "v100");
    var page = client.listSecretVersionIds(r -> r.secretId("s").includeDeprecated(true));
    assertThat(page.versions()).hasSize(100).noneMatch(v -> v.versionId().equals(ONE));
    assertThat(client.getSecretValue(r -> r.secretId("s")).secretString()).isEqualTo("v100");
    var small =
        client.listSecretVersionIdsPaginator(
            r -> r.secretId("s").includeDeprecated(true).maxResults(30));
    assertThat(small.stream().mapToInt(p -> p.versions().size())).containsExactly(30, 30, 30, 10);
  }

  @Test
  void twentyLabelsAreTheMost() {
    create("s", "0");
    List<String> labels = IntStream.range(0, 20).mapToObj(i -> "L" + i).toList();
    assertThatThrownBy(
            () ->
                client.putSecretValue(r -> r.secretId("s").secretString("v").versionStages(labels)))
        .isInstanceOf(LimitExceededException.class);
    assertThat(stages("s")).isEqualTo(Map.of(ONE, List.of("AWSCURRENT")));
  }

  @Test
  void aDeletedSecretWaitsForItsWindowCanComeBackAndIsGoneAfterwards() {
    String arn = create("s", "v").arn();
    var deleted = client.deleteSecret(r -> r.secretId("s").recoveryWindowInDays(7L));
    Instant end = cloud.clock.instant().plus(Duration.ofDays(7));
    assertThat(deleted.deletionDate()).isEqualTo(end);
    assertThatThrownBy(() -> client.getSecretValue(r -> r.secretId("s")))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("marked for deletion");
    assertThatThrownBy(() -> create("s", "v"))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("already scheduled for deletion");
    assertThat(client.describeSecret(r -> r.secretId("s")).deletedDate()).isEqualTo(end);
    assertThat(client.listSecrets().secretList()).isEmpty();
    assertThat(client.listSecrets(r -> r.includePlannedDeletion(true)).secretList()).hasSize(1);

    client.restoreSecret(r -> r.secretId(arn));
    assertThat(client.getSecretValue(r -> r.secretId("s")).secretString()).isEqualTo("v");

    client.deleteSecret(r -> r.secretId("s").recoveryWindowInDays(7L));
    cloud.clock.forward(Duration.ofDays(8));
    assertThatThrownBy(() -> client.describeSecret(r -> r.secretId("s")))
        .isInstanceOf(ResourceNotFoundException.class);
    assertThat(client.listSecrets(r -> r.includePlannedDeletion(true)).secretList()).isEmpty();
    assertThat(create("s", "again").arn()).isNotEqualTo(arn);
    assertThat(stages("s")).isEqualTo(Map.of(ONE, List.of("AWSCURRENT")));
  }

  @Test
  void forcedDeletionNeedsNoWindowAndNoSecret() {
    create("s", "v");
    assertThatThrownBy(
            () ->
                client.deleteSecret(
                    r -> r.secretId("s").forceDeleteWithoutRecovery(true).recoveryWindowInDays(7L)))
        .isInstanceOf(InvalidParameterException.class);
    for (long days : new long[] {6, 31}) {
      assertThatThrownBy(() -> client.deleteSecret(r -> r.secretId("s").recoveryWindowInDays(days)))
          .isInstanceOf(InvalidParameterException.class)
          .hasMessageContaining("between 7 and 30 days");
    }
    client.deleteSecret(r -> r.secretId("s").forceDeleteWithoutRecovery(true));
    client.deleteSecret(r -> r.secretId("s").forceDeleteWithoutRecovery(true));
    assertThatThrownBy(() -> client.deleteSecret(r -> r.secretId("s")))
        .isInstanceOf(ResourceNotFoundException.class);
    create("s", "w");
  }

  @Test
  void listsAreFilteredSortedAndPaged() {
    for (int i = 0; i < 25; i++) {
      String name = (i % 2 == 0 ? "fleet/" : "office/") + i;
      client.createSecret(
          r ->
              r.name(name)
                  .description("Password of the Press number " + name)
                  .tags(
                      Tag.builder()
                          .key("team")
                          .value(name.startsWith("f") ? "red" : "blue")
                          .build())
                  .secretString("x"));
      cloud.clock.forward(Duration.ofSeconds(1));
    }
    assertThat(names(FilterNameStringType.NAME, "fleet/")).hasSize(13);
    assertThat(names(FilterNameStringType.NAME, "Fleet/")).isEmpty();
    assertThat(names(FilterNameStringType.NAME, "!fleet/")).hasSize(12);
    assertThat(names(FilterNameStringType.NAME, "fleet/2", "office/1")).hasSize(10);
    assertThat(names(FilterNameStringType.DESCRIPTION, "the press")).hasSize(25);
    assertThat(names(FilterNameStringType.DESCRIPTION, "ress")).isEmpty();
    assertThat(names(FilterNameStringType.TAG_KEY, "team")).hasSize(25);
    assertThat(names(FilterNameStringType.TAG_VALUE, "blu")).hasSize(12);
    assertThat(names(FilterNameStringType.ALL, "PRESS red")).hasSize(13);
    assertThat(names(FilterNameStringType.ALL, "press green")).isEmpty();

    var pages = client.listSecretsPaginator(r -> r.maxResults(10).sortOrder(SortOrderType.DESC));
    assertThat(pages.stream().mapToInt(p -> p.secretList().size())).containsExactly(10, 10, 5);
    List<String> newestFirst =
        pages.stream().flatMap(p -> p.secretList().stream()).map(SecretListEntry::name).toList();
    assertThat(newestFirst).hasSize(25).startsWith("fleet/24", "office/23").endsWith("fleet/0");
    var even = client.listSecretsPaginator(r -> r.maxResults(5).sortOrder(SortOrderType.ASC));
    assertThat(even.stream().mapToInt(p -> p.secretList().size())).containsExactly(5, 5, 5, 5, 5);
    assertThatThrownBy(() -> client.listSecrets(r -> r.nextToken("bm9uc2Vuc2U")))
        .isInstanceOf(InvalidNextTokenException.class);
  }

  private List<String> names(FilterNameStringType key, String... values) {
    return client.listSecrets(r -> r.filters(f -> f.key(key).values(values))).secretList().stream()
        .map(SecretListEntry::name)
        .toList();
  }

  @Test
  void aBatchAnswersWhatItCanAndNamesWhatItCannot() {
    create("a", "1");
    create("b", "2");
    create("gone", "3");
    client.deleteSecret(r -> r.secretId("gone"));
    var batch = client.batchGetSecretValue(r -> r.secretIdList("a", "nobody", "b", "gone"));
    assertThat(batch.secretValues()).extracting(v -> v.secretString()).containsExactly("1", "2");
    assertThat(batch.errors())
        .extracting(e -> e.secretId() + " " + e.errorCode())
        .containsExactly("nobody ResourceNotFoundException", "gone InvalidRequestException");
    var filtered =
        client.batchGetSecretValue(
            r -> r.maxResults(1).filters(f -> f.key(FilterNameStringType.NAME).values("a", "b")));
    assertThat(filtered.secretValues()).hasSize(1);
    assertThat(filtered.nextToken()).isNotNull();
    assertThatThrownBy(() -> client.batchGetSecretValue(r -> {}))
        .isInstanceOf(InvalidParameterException.class);
  }

  @Test
  void descriptionsAndTagsChangeAndDaysOfAccessAreShown() {
    client.createSecret(
        r -> r.name("s").secretString("v").tags(Tag.builder().key("a").value("1").build()));
    client.updateSecret(r -> r.secretId("s").description("of the press").kmsKeyId("alias/mine"));
    client.tagResource(
        r ->
            r.secretId("s")
                .tags(
                    Tag.builder().key("a").value("2").build(),
                    Tag.builder().key("b").value("").build()));
    client.untagResource(r -> r.secretId("s").tagKeys("b", "c"));
    client.getSecretValue(r -> r.secretId("s"));
    var described = client.describeSecret(r -> r.secretId("s"));
    assertThat(described.description()).isEqualTo("of the press");
    assertThat(described.kmsKeyId()).isEqualTo("alias/mine");
    assertThat(described.tags()).containsExactly(Tag.builder().key("a").value("2").build());
    assertThat(described.lastAccessedDate()).isEqualTo(Instant.parse("2026-11-21T00:00:00Z"));
    assertThat(described.rotationEnabled()).isNotEqualTo(Boolean.TRUE);
    assertThatThrownBy(
            () ->
                client.tagResource(
                    r -> r.secretId("s").tags(Tag.builder().key("aws:x").value("1").build())))
        .isInstanceOf(InvalidParameterException.class);
  }

  @Test
  void wrongNamesAndArgumentsAreRefused() {
    for (String name : List.of("with space", "semi;colon", "ümlaut")) {
      assertThatThrownBy(() -> create(name, "v"))
          .isInstanceOf(SecretsManagerException.class)
          .hasMessageContaining("Invalid name.");
    }
    assertThatThrownBy(
            () ->
                client.createSecret(
                    r -> r.name("s").secretString("a").secretBinary(SdkBytes.fromUtf8String("b"))))
        .isInstanceOf(InvalidParameterException.class)
        .hasMessageContaining("both");
    assertThatThrownBy(
            () ->
                client.createSecret(
                    r -> r.name("s").secretString("a").clientRequestToken("too-short")))
        .hasMessageContaining("clientRequestToken");
  }

  @Test
  void whatNeedsAFunctionOrAnotherRegionIsRefusedWithTheReason() {
    create("s", "v");
    assertThatThrownBy(() -> client.rotateSecret(r -> r.secretId("s")))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("No Lambda rotation function ARN is associated with this secret");
    assertThatThrownBy(
            () ->
                client.rotateSecret(
                    r ->
                        r.secretId("s")
                            .rotationLambdaARN(
                                "arn:aws:lambda:us-east-1:000000000000:function:rotator")))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("function:rotator");
    client.cancelRotateSecret(r -> r.secretId("s"));
    assertThatThrownBy(
            () ->
                client.replicateSecretToRegions(
                    r -> r.secretId("s").addReplicaRegions(p -> p.region("eu-west-1"))))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("one region");
    assertThatThrownBy(
            () ->
                client.createSecret(r -> r.name("r").addReplicaRegions(p -> p.region("eu-west-1"))))
        .isInstanceOf(InvalidRequestException.class);
    assertThatThrownBy(() -> client.stopReplicationToReplica(r -> r.secretId("nobody")))
        .isInstanceOf(ResourceNotFoundException.class);
  }

  @Test
  void randomPasswordsHaveEachTypeThatIsNotExcluded() {
    for (int i = 0; i < 50; i++) {
      assertThat(client.getRandomPassword().randomPassword())
          .hasSize(32)
          .containsPattern("[a-z]")
          .containsPattern("[A-Z]")
          .containsPattern("[0-9]")
          .containsPattern("[^a-zA-Z0-9]")
          .doesNotContain(" ");
    }
    assertThat(
            client
                .getRandomPassword(
                    r ->
                        r.passwordLength(200L)
                            .excludePunctuation(true)
                            .excludeUppercase(true)
                            .excludeCharacters("abc012"))
                .randomPassword())
        .matches("[d-z3-9]{200}");
    assertThatThrownBy(() -> client.getRandomPassword(r -> r.passwordLength(3L)))
        .isInstanceOf(InvalidParameterException.class)
        .hasMessageContaining("too short");
  }
}
