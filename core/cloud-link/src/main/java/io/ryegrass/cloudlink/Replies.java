package io.ryegrass.cloudlink;

import io.ryegrass.nucleus.CloudUnavailableException;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import tools.jackson.databind.JsonNode;

/** Matches answers of the cloud with requests, by {@code clientToken}. */
final class Replies {
  record Reply(boolean accepted, JsonNode message) {
    int code() {
      return message.path("code").asInt(0);
    }
  }

  /** A request that may be answered; forgets itself when closed. */
  final class Waiting implements AutoCloseable {
    private final String token = UUID.randomUUID().toString();
    private final CompletableFuture<Reply> reply = new CompletableFuture<>();

    String token() {
      return token;
    }

    Reply await(Duration atMost) throws InterruptedException {
      try {
        return reply.get(atMost.toMillis(), TimeUnit.MILLISECONDS);
      } catch (ExecutionException e) {
        throw new CloudUnavailableException(
            "The connection was lost before the cloud answered.", e.getCause());
      } catch (TimeoutException e) {
        throw new CloudUnavailableException(
            "The cloud did not answer in " + atMost.toSeconds() + " s.", e);
      }
    }

    @Override
    public void close() {
      waiting.remove(token, this);
    }
  }

  private final Map<String, Waiting> waiting = new ConcurrentHashMap<>();

  Waiting expect() {
    Waiting w = new Waiting();
    waiting.put(w.token, w);
    return w;
  }

  void arrived(boolean accepted, JsonNode message) {
    Waiting w = waiting.get(message.path("clientToken").asString(""));
    if (w != null) {
      w.reply.complete(new Reply(accepted, message));
    }
  }

  void lost() {
    waiting
        .values()
        .forEach(
            w -> w.reply.completeExceptionally(new CloudUnavailableException("Connection lost.")));
  }
}
