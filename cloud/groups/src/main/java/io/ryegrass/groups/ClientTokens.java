package io.ryegrass.groups;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Optional;
import java.util.function.BiFunction;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code X-Amzn-Client-Token}: a request that comes again with its token and its parameters is
 * answered as it was the first time, and does nothing. The answer is kept for a day, in the
 * transaction that did the work: a client that heard nothing because the cloud died may ask again.
 */
final class ClientTokens implements ServiceOperations.Around {
  static final Migration TABLES =
      new Migration(
          "groups",
          6,
          """
          CREATE TABLE gg_client_token (
            request VARCHAR(64) PRIMARY KEY,
            answer TEXT NOT NULL,
            created BIGINT NOT NULL);
          CREATE INDEX gg_client_token_created ON gg_client_token (created)
          """);

  private static final Duration KEPT = Duration.ofDays(1);

  private final CloudStore store;
  private final Clock clock;

  ClientTokens(CloudStore store, Clock clock) {
    this.store = store;
    this.clock = clock;
  }

  @Override
  public ObjectNode call(
      String operation,
      CallContext context,
      ObjectNode input,
      BiFunction<CallContext, ObjectNode, ObjectNode> next) {
    if (input.path("AmznClientToken").asString("").isEmpty()) {
      return next.apply(context, input);
    }
    String request = digest(operation + " " + input);
    return store.write(
        sql -> {
          Instant now = clock.instant();
          Optional<String> before =
              sql.one(
                  "SELECT answer FROM gg_client_token WHERE request = ? AND created > ?",
                  row -> row.text("answer"),
                  request,
                  now.minus(KEPT));
          if (before.isPresent()) {
            return (ObjectNode) VersionedStore.JSON.readTree(before.get());
          }
          ObjectNode answer = next.apply(context, input);
          sql.update("DELETE FROM gg_client_token WHERE created <= ?", now.minus(KEPT));
          sql.update(
              "INSERT INTO gg_client_token (request, answer, created) VALUES (?, ?, ?)",
              request,
              answer.toString(),
              now);
          return answer;
        });
  }

  private static String digest(String text) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
