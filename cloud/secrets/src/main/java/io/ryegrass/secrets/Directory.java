package io.ryegrass.secrets;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.secrets.SecretTables.Secret;
import io.ryegrass.store.Sql;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Instant;
import java.util.Optional;
import java.util.regex.Pattern;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Finds secrets by what requests call them, and makes their ARNs. */
final class Directory {
  private static final String LETTERS =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  private static final int SUFFIX = 6;
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9/_+=.@!-]{1,512}");

  private final String prefix;
  private final SecureRandom random;
  private final Clock clock;

  Directory(String region, String account, SecureRandom random, Clock clock) {
    this.prefix = "arn:aws:secretsmanager:" + region + ":" + account + ":secret:";
    this.random = random;
    this.clock = clock;
  }

  Instant now() {
    return Instant.ofEpochMilli(clock.millis());
  }

  static void checkName(String name) {
    if (!NAME.matcher(name).matches()) {
      throw new AwsException(
          "ValidationException",
          400,
          "Invalid name. Must be a valid name containing alphanumeric characters, or any of the"
              + " following: -/_+=.@!");
    }
  }

  /** A new ARN: two secrets of one name, one after the other, are different resources. */
  String newArn(String name) {
    StringBuilder arn = new StringBuilder(prefix).append(name).append('-');
    for (int i = 0; i < SUFFIX; i++) {
      arn.append(LETTERS.charAt(random.nextInt(LETTERS.length())));
    }
    return arn.toString();
  }

  /**
   * What policies are asked about for a secret that is not there: policies name secrets as {@code
   * name-??????} or {@code name-*}, and both match this.
   */
  String arnOfNobody(String id) {
    return id.startsWith("arn:") ? id : prefix + id + "-" + "?".repeat(SUFFIX);
  }

  /** By name, ARN, or ARN without its hyphen and six characters. */
  Optional<Secret> find(Sql sql, String id) {
    Optional<Secret> found;
    if (!id.startsWith("arn:")) {
      found = SecretTables.byName(sql, id);
    } else if (id.startsWith(prefix)) {
      found =
          SecretTables.byArn(sql, id)
              .or(() -> SecretTables.byName(sql, id.substring(prefix.length())));
    } else {
      found = Optional.empty();
    }
    Instant now = now();
    return found.filter(s -> s.purge() == null || s.purge().isAfter(now));
  }

  /** The secret a request names, scheduled for deletion or not. */
  Secret required(Sql sql, ObjectNode in) {
    return find(sql, in.path("SecretId").asString("")).orElseThrow(Faults::notFound);
  }

  /** The secret a request names; one that is scheduled for deletion is refused. */
  Secret alive(Sql sql, ObjectNode in) {
    Secret secret = required(sql, in);
    if (secret.deleted() != null) {
      throw Faults.markedForDeletion();
    }
    return secret;
  }

  static ObjectNode answer(Secret secret) {
    return object().put("ARN", secret.arn()).put("Name", secret.name());
  }

  static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  /** A moment as the API writes it, seconds since 1970. */
  static double seconds(Instant moment) {
    return moment.toEpochMilli() / 1000.0;
  }
}
