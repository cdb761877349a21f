package io.ryegrass.secretmanager;

import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.NucleusException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/** Brings values from the cloud into the store, one request after the other. */
final class Fetching {
  private static final Logger LOG = LoggerFactory.getLogger(SecretManager.NAME);
  private static final Duration TURN = Duration.ofMinutes(2);
  private static final int ATTEMPTS = 3;

  private final SecretSource source;
  private final SecretStore store;
  private final Duration pause;
  private final ReentrantLock turn = new ReentrantLock();
  private final Semaphore callers = new Semaphore(0);
  private int places;

  Fetching(SecretSource source, SecretStore store, Duration pause) {
    this.pause = pause;
    this.source = source;
    this.store = store;
  }

  /**
   * How many callers may wait for the cloud at once ({@code performance.cloudRequestQueueSize});
   * further ones are refused.
   */
  void places(int wanted) {
    inTurn(
        () -> {
          int more = wanted - places;
          if (more > 0) {
            callers.release(more);
          } else if (!callers.tryAcquire(-more)) {
            return; // callers wait in places that are to go; the next change takes them
          }
          places = wanted;
        });
  }

  /**
   * Fetches everything and keeps it, or nothing.
   *
   * @param mayDoWithout whether what is held will do while the cloud cannot be asked
   * @throws NucleusException with the cloud's reason; what was held stays
   */
  void all(List<Wanted> wanted, boolean mayDoWithout) {
    inTurn(
        () -> {
          store.open();
          List<SecretStore.Value> fetched = new ArrayList<>();
          for (Wanted w : wanted) {
            try {
              for (String label : w.labels()) {
                fetched.add(patiently(w.arn(), label));
              }
            } catch (CloudUnavailableException e) {
              if (!mayDoWithout || !w.heldIn(store.all())) {
                throw e;
              }
              LOG.warn("The held values of {} go on serving: {}", w.arn(), e.getMessage());
            }
          }
          keep(fetched);
        });
  }

  /**
   * One label of one secret, for a caller that waits.
   *
   * @throws NucleusException SERVICE_ERROR when too many wait already, or the cloud's reason
   */
  void one(String arn, String label) {
    if (!callers.tryAcquire()) {
      throw new NucleusException(
          "SERVICE_ERROR",
          "Too many requests for secrets wait for the cloud (performance.cloudRequestQueueSize);"
              + " try again.");
    }
    try {
      inTurn(() -> keep(List.of(once(arn, label))));
    } finally {
      callers.release();
    }
  }

  /** Drops what nobody wants any more. */
  void retain(List<Wanted> wanted) {
    inTurn(
        () -> {
          store.open();
          List<Held> kept =
              store.all().stream()
                  .filter(h -> wanted.stream().anyMatch(w -> w.arn().equals(h.asked())))
                  .toList();
          if (kept.isEmpty()) {
            store.delete();
          } else if (kept.size() < store.all().size()) {
            store.write(kept, List.of());
          }
        });
  }

  private void keep(List<SecretStore.Value> fetched) {
    if (fetched.isEmpty()) {
      return;
    }
    Map<String, Held> all = new LinkedHashMap<>();
    store.all().forEach(h -> all.put(h.asked(), h));
    for (SecretStore.Value v : fetched) {
      Held before = all.get(v.asked());
      Held now =
          before == null || !before.arn().equals(v.arn())
              ? new Held(v.asked(), v.arn(), v.name(), List.of())
              : before;
      all.put(v.asked(), now.with(v.version()));
    }
    store.write(List.copyOf(all.values()), fetched);
  }

  private SecretStore.Value patiently(String arn, String label) {
    for (int attempt = 1; ; attempt++) {
      try {
        return once(arn, label);
      } catch (CloudUnavailableException e) {
        if (attempt == ATTEMPTS) {
          throw e;
        }
        pause(pause.toMillis() << attempt, e);
      }
    }
  }

  private static void pause(long millis, CloudUnavailableException because) {
    try {
      TimeUnit.MILLISECONDS.sleep(millis / 2 + ThreadLocalRandom.current().nextLong(millis / 2));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw because;
    }
  }

  private SecretStore.Value once(String arn, String label) {
    JsonNode answer = source.fetch(arn, label);
    List<String> stages = new ArrayList<>();
    answer.path("VersionStages").forEach(s -> stages.add(s.asString("")));
    if (!stages.contains(label)) {
      stages.add(label);
    }
    boolean binary = answer.path("SecretBinary").isString();
    String full = answer.path("ARN").asString("");
    String id = answer.path("VersionId").asString("");
    if (full.isEmpty() || id.isEmpty() || (!binary && !answer.path("SecretString").isString())) {
      throw new NucleusException(
          "SERVICE_ERROR", "The cloud's answer for secret " + arn + " holds no value.");
    }
    byte[] plain =
        binary
            ? Base64.getDecoder().decode(answer.path("SecretBinary").asString())
            : answer
                .path("SecretString")
                .asString()
                .getBytes(java.nio.charset.StandardCharsets.UTF_8);
    long created = Math.round(answer.path("CreatedDate").asDouble(0) * 1000);
    return new SecretStore.Value(
        arn,
        full,
        answer.path("Name").asString(""),
        new Held.Version(id, List.copyOf(stages), created, binary, new byte[0]),
        plain);
  }

  private void inTurn(Runnable work) {
    try {
      if (!turn.tryLock(TURN.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new CloudUnavailableException(
            "Requests for secrets before this one have not been answered for "
                + TURN.toSeconds()
                + " s.");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CloudUnavailableException("The wait for secrets was interrupted.", e);
    }
    try {
      work.run();
    } finally {
      turn.unlock();
    }
  }
}
