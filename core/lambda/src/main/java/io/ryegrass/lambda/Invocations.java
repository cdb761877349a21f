package io.ryegrass.lambda;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Answers that callers will come for. A caller gets only answers to its own calls; an answer nobody
 * fetches is dropped a while after the call, and the number of open ones is bounded. One task looks
 * for what is overdue, about once a second, as long as anything is open.
 */
final class Invocations {
  private static final int MOST = 4096;
  private static final Duration KEPT = Duration.ofSeconds(60);
  private static final Duration LOOK = Duration.ofSeconds(1);

  private static final class Open {
    private final String callerArn;
    private final Work work;
    private final AtomicBoolean told = new AtomicBoolean();
    private volatile @Nullable Waiting waiting;
    private volatile long answeredNanos;

    Open(String callerArn, Work work) {
      this.callerArn = callerArn;
      this.work = work;
    }
  }

  private record Waiting(Consumer<WorkResult> caller, Duration limit, long untilNanos) {}

  private final Map<String, Open> open = new ConcurrentHashMap<>();
  private final ScheduledExecutorService timer;
  private final AtomicBoolean looking = new AtomicBoolean();

  Invocations(ScheduledExecutorService timer) {
    this.timer = timer;
  }

  /** False when too many answers are open. */
  boolean add(String callerArn, Work work) {
    if (open.size() >= MOST) {
      return false;
    }
    open.put(work.id(), new Open(callerArn, work));
    if (looking.compareAndSet(false, true)) {
      lookLater();
    }
    return true;
  }

  void remove(Work work) {
    open.remove(work.id());
  }

  int size() {
    return open.size();
  }

  /**
   * Tells the caller once: the answer, or that none came in time.
   *
   * @return false when the caller has no such call
   */
  boolean await(
      String callerArn, String invocationId, Duration limit, Consumer<WorkResult> caller) {
    Open call = open.get(invocationId);
    if (call == null || !call.callerArn.equals(callerArn)) {
      return false;
    }
    Waiting waiting = new Waiting(caller, limit, System.nanoTime() + limit.toNanos());
    call.waiting = waiting;
    var unused =
        call.work
            .result()
            .thenAccept(
                result -> {
                  if (call.waiting == waiting && call.told.compareAndSet(false, true)) {
                    open.remove(invocationId);
                    caller.accept(result);
                  }
                });
    return true;
  }

  private void lookLater() {
    if (!timer.isShutdown()) {
      var unused = timer.schedule(this::look, LOOK.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  private void look() {
    long now = System.nanoTime();
    for (Open call : open.values()) {
      Waiting waiting = call.waiting;
      if (call.work.result().isDone()) {
        if (call.answeredNanos == 0) {
          call.answeredNanos = now;
        } else if (now - call.answeredNanos > KEPT.toNanos()) {
          open.remove(call.work.id());
        }
      } else if (waiting != null && now - waiting.untilNanos() > 0) {
        open.remove(call.work.id());
        if (call.told.compareAndSet(false, true)) {
          waiting
              .caller()
              .accept(
                  WorkResult.unhandled(
                      "Runtime.ResultTimeout",
                      "No answer came within "
                          + waiting.limit().toSeconds()
                          + " seconds (getResultTimeoutInSecond)."));
        }
      }
    }
    if (!open.isEmpty()) {
      lookLater();
      return;
    }
    looking.set(false);
    if (!open.isEmpty() && looking.compareAndSet(false, true)) {
      lookLater();
    }
  }
}
