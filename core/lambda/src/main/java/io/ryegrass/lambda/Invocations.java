package io.ryegrass.lambda;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Answers that callers will come for. A caller gets only answers to its own calls; an answer nobody
 * fetches is dropped a while after it is there, and the number of open ones is bounded.
 */
final class Invocations {
  private static final int MOST = 4096;
  private static final Duration KEPT = Duration.ofSeconds(60);

  private record Open(String callerArn, Work work) {}

  private final Map<String, Open> open = new ConcurrentHashMap<>();
  private final ScheduledExecutorService timer;

  Invocations(ScheduledExecutorService timer) {
    this.timer = timer;
  }

  /** False when too many answers are open. */
  boolean add(String callerArn, Work work) {
    if (open.size() >= MOST) {
      return false;
    }
    open.put(work.id(), new Open(callerArn, work));
    var unused =
        work.result()
            .thenRun(
                () -> {
                  if (!timer.isShutdown()) {
                    var alsoUnused =
                        timer.schedule(
                            () -> open.remove(work.id()), KEPT.toSeconds(), TimeUnit.SECONDS);
                  }
                });
    return true;
  }

  void remove(Work work) {
    open.remove(work.id());
  }

  /** Waits for an answer; empty when the caller has no such call. */
  Optional<WorkResult> await(String callerArn, String invocationId, Duration limit)
      throws InterruptedException {
    Open call = open.get(invocationId);
    if (call == null || !call.callerArn().equals(callerArn)) {
      return Optional.empty();
    }
    try {
      WorkResult result = call.work().result().get(limit.toMillis(), TimeUnit.MILLISECONDS);
      open.remove(invocationId);
      return Optional.of(result);
    } catch (TimeoutException e) {
      open.remove(invocationId);
      return Optional.of(
          WorkResult.unhandled(
              "Runtime.ResultTimeout",
              "No answer came within "
                  + limit.toSeconds()
                  + " seconds (getResultTimeoutInSecond)."));
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    }
  }
}
