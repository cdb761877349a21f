package io.ryegrass.components;

import io.ryegrass.store.CloudStore;
import java.time.Clock;
import java.time.Duration;
import java.util.Base64;
import java.util.function.Supplier;
import tools.jackson.databind.node.ObjectNode;

/**
 * Idempotency by clientToken: the same token with the same request gets the first answer again for
 * eight hours; with another request it is a conflict.
 */
final class Tokens {
  private static final Duration LIFE = Duration.ofHours(8);

  private final CloudStore store;
  private final Clock clock;

  Tokens(CloudStore store, Clock clock) {
    this.store = store;
    this.clock = clock;
  }

  ObjectNode once(String operation, ObjectNode input, Supplier<ObjectNode> action) {
    String token = Json.text(input, "clientToken");
    if (token.isEmpty()) {
      return action.get();
    }
    String request =
        Base64.getEncoder()
            .encodeToString(
                Digests.sha256(input.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8)));
    return store.write(
        sql -> {
          sql.update(
              "DELETE FROM components_tokens WHERE created < ?", clock.millis() - LIFE.toMillis());
          String[] known =
              sql.one(
                      "SELECT request, response FROM components_tokens WHERE token = ? AND operation ="
                          + " ?",
                      row -> new String[] {row.text("request"), row.text("response")},
                      token,
                      operation)
                  .orElse(null);
          if (known != null) {
            if (!known[0].equals(request)) {
              throw Faults.conflict(
                  "CLIENT_TOKEN",
                  token,
                  "clientToken '"
                      + token
                      + "' was used for another "
                      + operation
                      + " request; use a new one");
            }
            return Json.read(known[1]);
          }
          ObjectNode response = action.get();
          sql.update(
              "INSERT INTO components_tokens (token, operation, request, response, created) VALUES"
                  + " (?, ?, ?, ?, ?)",
              token,
              operation,
              request,
              response.toString(),
              clock.millis());
          return response;
        });
  }
}
