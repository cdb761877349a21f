package io.ryegrass.secrets;

import static io.ryegrass.secrets.Directory.seconds;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.identity.CallResource;
import io.ryegrass.identity.CallResources;
import io.ryegrass.identity.IdentityService;
import io.ryegrass.policy.PolicyDocument;
import io.ryegrass.secrets.SecretTables.Secret;
import io.ryegrass.secrets.SecretVersions.Value;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import io.ryegrass.store.Sql;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Secrets Manager. Safe for any number of threads. */
public final class SecretsService implements CallResources {
  static final String PREFIX = "secretsmanager:";
  private static final int MAX_TAGS = 50;
  private static final int DEFAULT_WINDOW = 30;

  private final CloudStore store;
  private final Directory directory;
  private final Vault vault;
  private final SecretVersions versions;
  private final SecretLists lists;
  private final SecretPolicies policies;
  private final RandomPasswords passwords;

  /**
   * Opens the service.
   *
   * @param store migrated with {@link #migrations()}
   * @param identity asked about each secret of a batch
   * @param keyFile the master key, made when the database has seen none yet
   * @throws SecretsException when the key file is missing, damaged, or that of another database
   */
  public SecretsService(
      CloudStore store,
      IdentityService identity,
      Path keyFile,
      String region,
      String account,
      Clock clock) {
    SecureRandom random = new SecureRandom();
    this.store = store;
    this.directory = new Directory(region, account, random, clock);
    this.vault = Vault.open(store, new KeyFile(keyFile), random);
    this.versions = new SecretVersions(store, directory, vault);
    this.lists = new SecretLists(store, directory, versions, identity.callAuthoriser(this), region);
    this.policies = new SecretPolicies(store, directory);
    this.passwords = new RandomPasswords(random);
  }

  /** Schema of this module. */
  public static List<Migration> migrations() {
    return SecretTables.MIGRATIONS;
  }

  /**
   * Makes a new master key and wraps all data keys by it; the old one is not needed afterwards.
   * Requests may go on meanwhile.
   *
   * @throws SecretsException when a data key cannot be read; nothing is lost then
   */
  public void changeMasterKey() {
    vault.changeMasterKey();
  }

  /** The operations of service {@code secretsmanager}. */
  public ServiceOperations secretsManager() {
    return ServiceOperations.of("secretsmanager")
        .json("CreateSecret", this::create)
        .json("DescribeSecret", lists::describe)
        .json("UpdateSecret", this::update)
        .json("DeleteSecret", this::delete)
        .json("RestoreSecret", this::restore)
        .json("ListSecrets", lists::list)
        .json("GetSecretValue", versions::get)
        .json("BatchGetSecretValue", lists::batch)
        .json("PutSecretValue", versions::put)
        .json("UpdateSecretVersionStage", versions::updateStage)
        .json("ListSecretVersionIds", versions::listIds)
        .json("TagResource", this::tag)
        .json("UntagResource", this::untag)
        .json("GetResourcePolicy", policies::get)
        .json("PutResourcePolicy", policies::put)
        .json("DeleteResourcePolicy", policies::delete)
        .json("ValidateResourcePolicy", policies::validate)
        .json("GetRandomPassword", passwords::get)
        .json("RotateSecret", this::rotate)
        .json("CancelRotateSecret", this::cancelRotation)
        .json("ReplicateSecretToRegions", this::replicate)
        .json("RemoveRegionsFromReplication", this::replicate)
        .json("StopReplicationToReplica", this::replicate)
        .build();
  }

  /**
   * What policies know of a secret: its whole ARN, however the request names it, its tags and its
   * own policy (condition keys by the service authorization reference).
   */
  @Override
  public Optional<CallResource> find(CallContext call, String action, ObjectNode input) {
    if (!action.startsWith(PREFIX)) {
      return Optional.empty();
    }
    Map<String, String> keys = new HashMap<>();
    for (JsonNode tag : input.path("Tags")) {
      keys.put("aws:RequestTag/" + tag.path("Key").asString(""), tag.path("Value").asString(""));
    }
    put(keys, "secretsmanager:Name", input.path("Name"));
    put(keys, "secretsmanager:VersionStage", input.path("VersionStage"));
    put(keys, "secretsmanager:VersionId", input.path("VersionId"));
    String id = input.path("SecretId").asString(input.path("Name").asString(""));
    if (id.isEmpty()) {
      return Optional.of(new CallResource(List.of("*"), null, keys));
    }
    Optional<Secret> found = store.read(sql -> directory.find(sql, id));
    if (found.isEmpty() || action.endsWith(":CreateSecret")) {
      return Optional.of(new CallResource(List.of(directory.arnOfNobody(id)), null, keys));
    }
    Secret secret = found.get();
    keys.put("secretsmanager:SecretId", secret.arn());
    secret
        .tags()
        .propertyStream()
        .forEach(
            e -> {
              put(keys, "aws:ResourceTag/" + e.getKey(), e.getValue());
              put(keys, "secretsmanager:ResourceTag/" + e.getKey(), e.getValue());
            });
    PolicyDocument policy = secret.policy() == null ? null : PolicyDocument.parse(secret.policy());
    return Optional.of(new CallResource(List.of(secret.arn()), policy, keys));
  }

  private static void put(Map<String, String> keys, String name, JsonNode value) {
    if (value.isString()) {
      keys.put(name, value.stringValue());
    }
  }

  // ---- operations on whole secrets

  private ObjectNode create(CallContext c, ObjectNode in) {
    String name = in.path("Name").asString("");
    Directory.checkName(name);
    if (!in.path("AddReplicaRegions").isEmpty()) {
      throw oneRegion();
    }
    Optional<Value> value = Value.of(in);
    String token = SecretVersions.token(in);
    ObjectNode tags = Directory.object();
    addTags(in, tags);
    return store.write(
        sql -> {
          Instant now = directory.now();
          SecretTables.purge(sql, now);
          Optional<Secret> there = SecretTables.byName(sql, name);
          if (there.isPresent()) {
            return createdBefore(there.get(), sql, in, token, value);
          }
          Secret secret =
              new Secret(
                  name,
                  directory.newArn(name),
                  in.has("Description") ? in.path("Description").asString("") : null,
                  in.has("KmsKeyId") ? in.path("KmsKeyId").asString("") : null,
                  tags,
                  null,
                  now,
                  now,
                  null,
                  null,
                  null);
          SecretTables.insert(sql, secret);
          ObjectNode out = Directory.answer(secret);
          value.ifPresent(
              v -> {
                versions.add(sql, secret, token, v, List.of(SecretVersions.CURRENT));
                out.put("VersionId", token);
              });
          return out;
        });
  }

  /** A retry with the same token and value is answered as the first one was. */
  private ObjectNode createdBefore(
      Secret secret, Sql sql, ObjectNode in, String token, Optional<Value> value) {
    if (secret.deleted() != null) {
      throw Faults.invalidRequest(
          "You can't create this secret because a secret with this name is already scheduled for"
              + " deletion.");
    }
    if (in.has("ClientRequestToken")
        && value.isPresent()
        && SecretTables.version(sql, secret.arn(), token).isPresent()) {
      versions.add(sql, secret, token, value.get(), List.of());
      return Directory.answer(secret).put("VersionId", token);
    }
    throw Faults.exists(
        "The operation failed because the secret " + secret.name() + " already exists.");
  }

  private ObjectNode update(CallContext c, ObjectNode in) {
    Optional<Value> value = Value.of(in);
    String token = SecretVersions.token(in);
    return store.write(
        sql -> {
          Secret secret = directory.alive(sql, in);
          if (in.has("Description")) {
            sql.update(
                "UPDATE secrets SET description = ? WHERE arn = ?",
                in.path("Description").asString(""),
                secret.arn());
          }
          if (in.has("KmsKeyId")) {
            sql.update(
                "UPDATE secrets SET kms_key_id = ? WHERE arn = ?",
                in.path("KmsKeyId").asString(""),
                secret.arn());
          }
          ObjectNode out = Directory.answer(secret);
          value.ifPresent(
              v -> {
                versions.add(sql, secret, token, v, List.of(SecretVersions.CURRENT));
                out.put("VersionId", token);
              });
          SecretTables.touch(sql, secret.arn(), directory.now());
          return out;
        });
  }

  private ObjectNode delete(CallContext c, ObjectNode in) {
    boolean force = in.path("ForceDeleteWithoutRecovery").asBoolean(false);
    if (force && in.has("RecoveryWindowInDays")) {
      throw Faults.invalidParameter(
          "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.");
    }
    long days = in.path("RecoveryWindowInDays").asLong(DEFAULT_WINDOW);
    if (days < 7 || days > 30) {
      throw Faults.invalidParameter(
          "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).");
    }
    return store.write(
        sql -> {
          Instant now = directory.now();
          if (force) {
            return forced(sql, in, now);
          }
          Secret secret = directory.alive(sql, in);
          Instant purge = now.plus(Duration.ofDays(days));
          sql.update(
              "UPDATE secrets SET deleted = ?, purge = ? WHERE arn = ?", now, purge, secret.arn());
          return Directory.answer(secret).put("DeletionDate", seconds(purge));
        });
  }

  /** Succeeds for secrets that are not there as well (API reference of DeleteSecret). */
  private ObjectNode forced(Sql sql, ObjectNode in, Instant now) {
    String id = in.path("SecretId").asString("");
    ObjectNode out =
        directory
            .find(sql, id)
            .map(
                secret -> {
                  SecretTables.delete(sql, secret.arn());
                  return Directory.answer(secret);
                })
            .orElseGet(
                () ->
                    Directory.object()
                        .put("ARN", id.startsWith("arn:") ? id : directory.newArn(id))
                        .put("Name", id));
    return out.put("DeletionDate", seconds(now));
  }

  private ObjectNode restore(CallContext c, ObjectNode in) {
    return store.write(
        sql -> {
          Secret secret = directory.required(sql, in);
          sql.update("UPDATE secrets SET deleted = NULL, purge = NULL WHERE arn = ?", secret.arn());
          SecretTables.touch(sql, secret.arn(), directory.now());
          return Directory.answer(secret);
        });
  }

  // ---- tags

  private ObjectNode tag(CallContext c, ObjectNode in) {
    return retag(in, tags -> addTags(in, tags));
  }

  private ObjectNode untag(CallContext c, ObjectNode in) {
    return retag(in, tags -> in.path("TagKeys").forEach(key -> tags.remove(key.asString(""))));
  }

  private ObjectNode retag(ObjectNode in, Consumer<ObjectNode> change) {
    return store.write(
        sql -> {
          Secret secret = directory.alive(sql, in);
          ObjectNode tags = secret.tags().deepCopy();
          change.accept(tags);
          sql.update("UPDATE secrets SET tags = ? WHERE arn = ?", tags.toString(), secret.arn());
          SecretTables.touch(sql, secret.arn(), directory.now());
          return Directory.object();
        });
  }

  private static void addTags(ObjectNode in, ObjectNode tags) {
    ObjectNode given = Directory.object();
    for (JsonNode tag : in.path("Tags")) {
      String key = tag.path("Key").asString("");
      if (key.isEmpty() || key.startsWith("aws:")) {
        throw Faults.invalidParameter(
            "The tag key '" + key + "' is not allowed: it must not be empty or begin with aws:.");
      }
      if (given.has(key)) {
        throw Faults.invalidParameter("The tag key '" + key + "' is there twice.");
      }
      given.put(key, tag.path("Value").asString(""));
    }
    tags.setAll(given);
    if (tags.size() > MAX_TAGS) {
      throw Faults.invalidParameter(
          "The secret would have " + tags.size() + " tags; " + MAX_TAGS + " are allowed.");
    }
  }

  // ---- what needs a rotation function or another region

  private ObjectNode rotate(CallContext c, ObjectNode in) {
    store.read(sql -> directory.alive(sql, in));
    throw Faults.invalidRequest(
        in.has("RotationLambdaARN")
            ? "This cloud runs no functions, so the rotation function "
                + in.path("RotationLambdaARN").asString("")
                + " cannot be called. Rotate by PutSecretValue: at once, or under the staging label"
                + " AWSPENDING and then UpdateSecretVersionStage."
            : "No Lambda rotation function ARN is associated with this secret. Rotate by"
                + " PutSecretValue: this cloud runs no functions.");
  }

  /** Rotation is never on here, so there is nothing to turn off; a pending version stays. */
  private ObjectNode cancelRotation(CallContext c, ObjectNode in) {
    return store.read(sql -> Directory.answer(directory.alive(sql, in)));
  }

  private ObjectNode replicate(CallContext c, ObjectNode in) {
    store.read(sql -> directory.alive(sql, in));
    throw oneRegion();
  }

  private static AwsException oneRegion() {
    return Faults.invalidRequest(
        "This cloud is one region: a secret has no replicas and is none. Create it in the other"
            + " cloud as well.");
  }
}
