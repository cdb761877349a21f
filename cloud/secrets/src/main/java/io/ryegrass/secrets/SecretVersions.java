package io.ryegrass.secrets;

import static io.ryegrass.secrets.Directory.seconds;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.secrets.SecretTables.Secret;
import io.ryegrass.secrets.SecretTables.Version;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The values of secrets and the labels on them.
 *
 * <p>AWSCURRENT is on exactly one version of a secret that has any. Whenever it moves, AWSPREVIOUS
 * goes to the version it left. Versions without labels are deprecated; they are dropped, oldest
 * first, when there are a hundred versions, but none that is younger than a day.
 */
final class SecretVersions {
  static final String CURRENT = "AWSCURRENT";
  static final String PREVIOUS = "AWSPREVIOUS";

  private static final Logger LOG = LoggerFactory.getLogger(SecretVersions.class);
  private static final int MAX_BYTES = 65_536;
  private static final int MAX_VERSIONS = 100;
  private static final int MAX_STAGES = 20;
  private static final Duration KEPT = Duration.ofHours(24);

  private final CloudStore store;
  private final Directory directory;
  private final Vault vault;

  SecretVersions(CloudStore store, Directory directory, Vault vault) {
    this.store = store;
    this.directory = directory;
    this.vault = vault;
  }

  /** A value as a request brings it; its text form does not show it. */
  record Value(boolean binary, byte[] bytes) {

    static Optional<Value> of(ObjectNode in) {
      boolean text = in.has("SecretString");
      if (text && in.has("SecretBinary")) {
        throw Faults.invalidParameter(
            "You can't specify both a binary secret value and a string secret value in the same"
                + " secret.");
      }
      if (!text && !in.has("SecretBinary")) {
        return Optional.empty();
      }
      byte[] bytes =
          text
              ? in.path("SecretString").asString("").getBytes(StandardCharsets.UTF_8)
              : Base64.getDecoder().decode(in.path("SecretBinary").asString(""));
      if (bytes.length > MAX_BYTES) {
        throw Faults.invalidParameter(
            "The secret value has " + bytes.length + " bytes; " + MAX_BYTES + " are allowed.");
      }
      return Optional.of(new Value(!text, bytes));
    }

    @Override
    public String toString() {
      return "Value[" + bytes.length + " bytes]";
    }
  }

  // ---- writing

  ObjectNode put(CallContext c, ObjectNode in) {
    Value value =
        Value.of(in)
            .orElseThrow(
                () -> Faults.invalidParameter("You must provide SecretString or SecretBinary."));
    String token = token(in);
    List<String> stages = new ArrayList<>();
    in.path("VersionStages").forEach(s -> stages.add(s.asString("")));
    return store.write(
        sql -> {
          Secret secret = directory.alive(sql, in);
          add(sql, secret, token, value, stages.isEmpty() ? List.of(CURRENT) : stages);
          ObjectNode out = Directory.answer(secret).put("VersionId", token);
          ArrayNode shown = out.putArray("VersionStages");
          SecretTables.stages(sql, secret.arn())
              .getOrDefault(token, new TreeSet<>())
              .forEach(shown::add);
          return out;
        });
  }

  static String token(ObjectNode in) {
    return in.path("ClientRequestToken").asString(UUID.randomUUID().toString());
  }

  /**
   * Adds a version. The same token with the same value again changes nothing, with another value it
   * is refused (ClientRequestToken in the API reference).
   */
  void add(Sql sql, Secret secret, String id, Value value, List<String> stages) {
    Optional<Version> there = SecretTables.version(sql, secret.arn(), id);
    if (there.isPresent()) {
      if (there.get().binary() == value.binary()
          && MessageDigest.isEqual(open(there.get()), value.bytes())) {
        return;
      }
      throw Faults.exists(
          "You can't use ClientRequestToken "
              + id
              + " because that value is already in use for a version of secret "
              + secret.arn()
              + ".");
    }
    makeRoom(sql, secret);
    Instant now = directory.now();
    SecretTables.insert(
        sql,
        new Version(
            secret.arn(),
            id,
            now,
            null,
            value.binary(),
            vault.seal(value.bytes(), Version.owner(secret.arn(), id, value.binary()))));
    for (String stage : stages) {
      attach(sql, secret.arn(), stage, id);
    }
    if (SecretTables.staged(sql, secret.arn(), CURRENT).isEmpty()) {
      attach(sql, secret.arn(), CURRENT, id); // a first version is current, whatever was asked
    }
    checkStages(sql, secret.arn());
    SecretTables.touch(sql, secret.arn(), now);
  }

  private void makeRoom(Sql sql, Secret secret) {
    List<Version> all = SecretTables.versions(sql, secret.arn());
    Map<String, TreeSet<String>> stages = SecretTables.stages(sql, secret.arn());
    Instant young = directory.now().minus(KEPT);
    int count = all.size();
    for (int i = all.size() - 1; i >= 0 && count >= MAX_VERSIONS; i--) {
      Version version = all.get(i);
      if (!stages.containsKey(version.id()) && version.created().isBefore(young)) {
        SecretTables.deleteVersion(sql, secret.arn(), version.id());
        count--;
      }
    }
    if (count >= MAX_VERSIONS) {
      throw Faults.limit(
          "The secret "
              + secret.arn()
              + " has "
              + count
              + " versions, and none without labels that is older than 24 hours; put values less"
              + " often.");
    }
  }

  private static void attach(Sql sql, String arn, String stage, String versionId) {
    Optional<String> before = SecretTables.staged(sql, arn, stage);
    if (before.isPresent() && before.get().equals(versionId)) {
      return;
    }
    if (stage.equals(CURRENT) && before.isPresent()) {
      SecretTables.stage(sql, arn, PREVIOUS, before.get());
    }
    SecretTables.stage(sql, arn, stage, versionId);
  }

  private static void checkStages(Sql sql, String arn) {
    long count = sql.count("SELECT COUNT(*) AS n FROM secret_stages WHERE arn = ?", arn);
    if (count > MAX_STAGES) {
      throw Faults.limit(
          "The secret would have " + count + " staging labels; " + MAX_STAGES + " are allowed.");
    }
  }

  ObjectNode updateStage(CallContext c, ObjectNode in) {
    String stage = in.path("VersionStage").asString("");
    String to = in.path("MoveToVersionId").asString("");
    String from = in.path("RemoveFromVersionId").asString("");
    if (to.isEmpty() && from.isEmpty()) {
      throw Faults.invalidParameter(
          "You must provide MoveToVersionId, RemoveFromVersionId, or both.");
    }
    return store.write(
        sql -> {
          Secret secret = directory.alive(sql, in);
          for (String id : List.of(to, from)) {
            if (!id.isEmpty() && SecretTables.version(sql, secret.arn(), id).isEmpty()) {
              throw noSuchVersion("VersionId: " + id);
            }
          }
          String holder = SecretTables.staged(sql, secret.arn(), stage).orElse("");
          if (!holder.isEmpty() && holder.equals(to)) {
            return Directory.answer(secret);
          }
          checkHolder(stage, holder, from);
          if (to.isEmpty()) {
            if (stage.equals(CURRENT)) {
              throw Faults.invalidParameter(
                  "You can only move staging label AWSCURRENT to a different secret version. It"
                      + " can't be completely removed.");
            }
            SecretTables.unstage(sql, secret.arn(), stage);
          } else {
            attach(sql, secret.arn(), stage, to);
            checkStages(sql, secret.arn());
          }
          SecretTables.touch(sql, secret.arn(), directory.now());
          return Directory.answer(secret);
        });
  }

  private static void checkHolder(String stage, String holder, String from) {
    if (holder.equals(from)) {
      return;
    }
    if (holder.isEmpty()) {
      throw Faults.invalidParameter(
          "The parameter RemoveFromVersionId is incorrect. Staging label "
              + stage
              + " isn't attached to version "
              + from
              + ".");
    }
    throw Faults.invalidParameter(
        "The parameter RemoveFromVersionId "
            + (from.isEmpty() ? "can't be empty" : "is incorrect")
            + ". Staging label "
            + stage
            + " is currently attached to version "
            + holder
            + ", so you must explicitly reference that version in RemoveFromVersionId.");
  }

  // ---- reading

  ObjectNode get(CallContext c, ObjectNode in) {
    record Found(Version version, ObjectNode answer) {}
    Found found =
        store.read(
            sql -> {
              Secret secret = directory.alive(sql, in);
              Version version = version(sql, secret, in);
              return new Found(version, value(sql, secret, version));
            });
    accessed(found.version());
    return found.answer();
  }

  private static Version version(Sql sql, Secret secret, ObjectNode in) {
    String id = in.path("VersionId").asString("");
    String stage = in.path("VersionStage").asString("");
    if (id.isEmpty()) {
      String wanted = stage.isEmpty() ? CURRENT : stage;
      return SecretTables.staged(sql, secret.arn(), wanted)
          .flatMap(v -> SecretTables.version(sql, secret.arn(), v))
          .orElseThrow(() -> noSuchVersion("staging label: " + wanted));
    }
    Version version =
        SecretTables.version(sql, secret.arn(), id)
            .orElseThrow(() -> noSuchVersion("VersionId: " + id));
    if (!stage.isEmpty()
        && !SecretTables.staged(sql, secret.arn(), stage).filter(id::equals).isPresent()) {
      throw Faults.invalidRequest(
          "You provided a VersionStage that is not associated to the provided VersionId.");
    }
    return version;
  }

  private static AwsException noSuchVersion(String which) {
    return Faults.notFound("Secrets Manager can't find the specified secret value for " + which);
  }

  /** Members of shape SecretValueEntry, which are those of GetSecretValue. */
  private ObjectNode value(Sql sql, Secret secret, Version version) {
    byte[] plain = open(version);
    ObjectNode out =
        Directory.answer(secret)
            .put("VersionId", version.id())
            .put("CreatedDate", seconds(version.created()));
    if (version.binary()) {
      out.put("SecretBinary", Base64.getEncoder().encodeToString(plain));
    } else {
      out.put("SecretString", new String(plain, StandardCharsets.UTF_8));
    }
    ArrayNode stages = out.putArray("VersionStages");
    SecretTables.stages(sql, secret.arn())
        .getOrDefault(version.id(), new TreeSet<>())
        .forEach(stages::add);
    return out;
  }

  private byte[] open(Version version) {
    try {
      return vault.open(version.sealed(), version.owner());
    } catch (GeneralSecurityException e) {
      LOG.error("version {} of {} cannot be decrypted", version.id(), version.arn(), e);
      throw new AwsException(
          "DecryptionFailure",
          400,
          "Version "
              + version.id()
              + " of "
              + version.arn()
              + " cannot be decrypted: its row or the key file was changed; put a new value.");
    }
  }

  /** The API shows days only, so one write a day is enough. */
  private void accessed(Version version) {
    Instant today = directory.now().truncatedTo(ChronoUnit.DAYS);
    @Nullable Instant before = version.accessed();
    if (before == null || before.isBefore(today)) {
      store.write(
          sql -> {
            sql.update(
                "UPDATE secret_versions SET accessed = ? WHERE arn = ? AND version_id = ?",
                today,
                version.arn(),
                version.id());
            return sql.update(
                "UPDATE secrets SET accessed = ? WHERE arn = ?", today, version.arn());
          });
    }
  }

  ObjectNode listIds(CallContext c, ObjectNode in) {
    int most = in.path("MaxResults").asInt(100);
    boolean deprecated = in.path("IncludeDeprecated").asBoolean(false);
    int from = Tokens.number(in.path("NextToken").asString(""), "v");
    return store.read(
        sql -> {
          Secret secret = directory.required(sql, in);
          Map<String, TreeSet<String>> stages = SecretTables.stages(sql, secret.arn());
          List<Version> all =
              SecretTables.versions(sql, secret.arn()).stream()
                  .filter(v -> deprecated || stages.containsKey(v.id()))
                  .toList();
          ObjectNode out = Directory.answer(secret);
          ArrayNode shown = out.putArray("Versions");
          int end = Math.min(all.size(), from + most);
          for (Version version : all.subList(Math.min(from, end), end)) {
            ObjectNode entry = shown.addObject();
            entry.put("VersionId", version.id()).put("CreatedDate", seconds(version.created()));
            if (version.accessed() != null) {
              entry.put("LastAccessedDate", seconds(version.accessed()));
            }
            if (stages.containsKey(version.id())) {
              ArrayNode labels = entry.putArray("VersionStages");
              stages.getOrDefault(version.id(), new TreeSet<>()).forEach(labels::add);
            }
            entry.putArray("KmsKeyIds").add("DefaultEncryptionKey");
          }
          if (end < all.size()) {
            out.put("NextToken", Tokens.of("v", Integer.toString(end)));
          }
          return out;
        });
  }
}
