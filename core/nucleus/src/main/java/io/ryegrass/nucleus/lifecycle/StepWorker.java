package io.ryegrass.nucleus.lifecycle;

import io.ryegrass.nucleus.ComponentBody;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.StateReporter;
import io.ryegrass.nucleus.lifecycle.LifecycleTable.Event;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the steps of one component (install, start, stop, recover, uninstall): each on a virtual
 * thread of its own with a deadline, one at a time. The outcome is told with the number of the
 * step, so that what comes late can be told from what is awaited. Called by the actor's thread
 * only.
 */
final class StepWorker {
  private static final Logger LOG = LoggerFactory.getLogger(StepWorker.class);
  private static final Duration MARGIN = Duration.ofSeconds(15);
  private static final Duration PREVIOUS = Duration.ofSeconds(30);

  /** Who is told what became of a step. */
  @FunctionalInterface
  interface Listener {
    void happened(Event event, int step, String code, String reason);
  }

  private final String component;
  private final Listener listener;
  private int number;
  private @Nullable Thread thread;

  StepWorker(String component, Listener listener) {
    this.component = component;
    this.listener = listener;
  }

  /** Number of the step that counts; outcomes of others are of the past. */
  int number() {
    return number;
  }

  /** Tells the step that runs to end. */
  void interrupt() {
    Thread t = thread;
    if (t != null) {
      t.interrupt();
    }
  }

  /**
   * Runs a step to its end.
   *
   * @param code first part of its error codes, for example {@code INSTALL}
   */
  void run(String code, Duration limit, Runnable work) {
    int step = ++number;
    Thread previous = thread;
    Thread worker =
        Thread.ofVirtual()
            .name(code.toLowerCase(Locale.ROOT) + "-" + component)
            .start(
                () -> {
                  await(previous);
                  try {
                    work.run();
                    listener.happened(Event.STEP_OK, step, "", "");
                  } catch (NucleusException e) {
                    listener.happened(
                        Event.STEP_FAILED, step, e.code(), String.valueOf(e.getMessage()));
                  } catch (RuntimeException e) {
                    LOG.error("Step {} of {} failed", code, component, e);
                    listener.happened(Event.STEP_FAILED, step, code + "_ERROR", String.valueOf(e));
                  }
                });
    thread = worker;
    watch(
        limit.plus(MARGIN),
        () -> !worker.isAlive(),
        () -> {
          worker.interrupt();
          listener.happened(
              Event.STEP_FAILED,
              step,
              code + "_TIMEOUT",
              "The step did not end within " + limit.toSeconds() + " s.");
        });
  }

  /**
   * Begins the start of a body; the body itself reports what becomes of it.
   *
   * @param started whether the component has left STARTING, when the deadline passes
   */
  void start(ComponentBody body, Duration limit, BooleanSupplier started) {
    int step = ++number;
    StateReporter reporter = new Reporter(step);
    Thread previous = thread;
    Thread starter =
        Thread.ofVirtual()
            .name("start-" + component)
            .start(
                () -> {
                  await(previous);
                  try {
                    body.start(reporter);
                  } catch (NucleusException e) {
                    reporter.errored(e.code(), String.valueOf(e.getMessage()));
                  } catch (RuntimeException e) {
                    LOG.error("{} cannot be started", component, e);
                    reporter.errored("STARTUP_ERROR", String.valueOf(e));
                  }
                });
    thread = starter;
    watch(
        limit,
        started,
        () -> {
          starter.interrupt();
          listener.happened(
              Event.STEP_FAILED,
              step,
              "STARTUP_TIMEOUT",
              "The component did not report RUNNING within " + limit.toSeconds() + " s.");
        });
  }

  /** Tells TIME_UP after a delay, unless another step begins before. */
  void later(Duration delay) {
    int step = ++number;
    watch(delay, () -> false, () -> listener.happened(Event.TIME_UP, step, "", ""));
  }

  private final class Reporter implements StateReporter {
    private final int step;

    Reporter(int step) {
      this.step = step;
    }

    @Override
    public void running() {
      listener.happened(Event.REPORT_RUNNING, step, "", "");
    }

    @Override
    public void finished() {
      listener.happened(Event.REPORT_FINISHED, step, "", "");
    }

    @Override
    public void errored(String code, String reason) {
      listener.happened(Event.REPORT_ERRORED, step, code, reason);
    }
  }

  /** Steps do not overlap: a step that ignores its end is waited for, but not for ever. */
  private static void await(@Nullable Thread previous) {
    if (previous == null) {
      return;
    }
    try {
      previous.join(PREVIOUS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void watch(Duration limit, BooleanSupplier done, Runnable late) {
    CompletableFuture.delayedExecutor(
            limit.toMillis(), TimeUnit.MILLISECONDS, Thread::startVirtualThread)
        .execute(
            () -> {
              if (!done.getAsBoolean()) {
                late.run();
              }
            });
  }
}
