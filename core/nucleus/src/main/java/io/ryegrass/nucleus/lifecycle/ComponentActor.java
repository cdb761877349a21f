package io.ryegrass.nucleus.lifecycle;

import io.ryegrass.nucleus.ComponentBody;
import io.ryegrass.nucleus.ComponentState;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.StateReporter;
import io.ryegrass.nucleus.lifecycle.LifecycleTable.Action;
import io.ryegrass.nucleus.lifecycle.LifecycleTable.Event;
import io.ryegrass.nucleus.lifecycle.LifecycleTable.Phase;
import io.ryegrass.nucleus.lifecycle.LifecycleTable.Transition;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The only one who changes a component's phase: a virtual thread that takes signals one by one and
 * follows {@link LifecycleTable}.
 *
 * <p>Steps (install, start, stop, recover, uninstall) run on a thread of their own with a deadline,
 * one at a time; their outcome comes back as a signal that carries the number of the step. Signals
 * of an earlier step are ignored, so that the exit of a process that was just ended does not count
 * as an error of the next one.
 *
 * <p>Others see a {@link Standing}, published whole when a signal has been dealt with. It names the
 * last wish to start that was taken up, so that nobody mistakes the outcome of an earlier start for
 * that of the one just asked for.
 */
final class ComponentActor {
  private static final Logger LOG = LoggerFactory.getLogger(ComponentActor.class);
  private static final int ERRORS_TO_BREAK = 3;
  private static final Duration MARGIN = Duration.ofSeconds(15);
  private static final int QUEUE = 1024;
  private static final Set<Event> WISHES =
      Set.of(Event.START, Event.STOP, Event.RESTART, Event.REINSTALL, Event.REMOVE);

  private enum Goal {
    RUN,
    STOP,
    REINSTALL,
    REMOVE
  }

  /** What the actor needs of the others. */
  interface Surroundings {
    boolean dependenciesReady();

    void changed(ComponentActor actor);
  }

  private sealed interface Signal {}

  private record Happened(Event event, int step, String code, String reason) implements Signal {}

  /** A wish; {@code start} numbers the wishes to start, 0 for the others. */
  private record Wished(Event event, long start) implements Signal {}

  private record NewBody(ComponentBody body, Timeouts timeouts) implements Signal {}

  private record NewConfiguration(ObjectNode configuration) implements Signal {}

  /**
   * What others see.
   *
   * @param start number of the last wish to start that was taken up
   */
  private record Standing(
      Phase phase, long start, Instant since, String statusCode, String statusReason) {}

  /** Limits of the steps, from the recipe. */
  record Timeouts(
      Duration install,
      Duration startup,
      Duration shutdown,
      Duration recover,
      Duration uninstall,
      Duration errorReset) {}

  private final String name;
  private final Clock clock;
  private final Duration grace;
  private final Surroundings surroundings;
  private final LinkedBlockingQueue<Signal> queue = new LinkedBlockingQueue<>(QUEUE);
  private final AtomicInteger pending = new AtomicInteger();
  private final AtomicLong starts = new AtomicLong();
  private final CompletableFuture<@Nullable Void> closed = new CompletableFuture<>();
  private final Map<Phase, List<Instant>> errors = new EnumMap<>(Phase.class);

  // Written by the actor's thread only; volatile fields are read by others.
  private ComponentBody body;
  private Timeouts timeouts;
  private @Nullable NewBody next;
  private Goal goal = Goal.STOP;
  private int step;
  private boolean cancelled;
  private @Nullable Thread stepThread;
  private long start;
  private String statusCode = "";
  private String statusReason = "";
  private volatile Phase phase = Phase.NEW;
  private volatile Standing standing;
  private volatile boolean wanted;

  ComponentActor(
      String name,
      ComponentBody body,
      Timeouts timeouts,
      Clock clock,
      Duration grace,
      Surroundings surroundings) {
    this.name = name;
    this.body = body;
    this.timeouts = timeouts;
    this.clock = clock;
    this.grace = grace;
    this.surroundings = surroundings;
    this.standing = new Standing(Phase.NEW, 0, clock.instant(), "", "");
    Thread.ofVirtual().name("component-" + name).start(this::run);
  }

  String name() {
    return name;
  }

  ComponentState state() {
    return standing.phase().state();
  }

  Instant since() {
    return standing.since();
  }

  String statusCode() {
    return standing.statusCode();
  }

  String statusReason() {
    return standing.statusReason();
  }

  /** Whether it should run (and has not finished). */
  boolean wanted() {
    return wanted;
  }

  /**
   * Good enough for those that depend on it: running, finished, or stopping for another reason than
   * an error.
   */
  boolean functioning() {
    Standing s = standing;
    return s.phase().state().functioning()
        || (s.phase() == Phase.STOPPING && s.statusCode().isEmpty());
  }

  /** Nothing more happens by itself, and no signal waits. */
  boolean settled() {
    if (pending.get() != 0) {
      return false;
    }
    Standing s = standing; // after the count: what was dealt with by then is in it
    Phase p = s.phase();
    return s.start() == starts.get()
        && (p == Phase.RUNNING
            || p == Phase.BROKEN
            || p == Phase.UNINSTALLED
            || ((p == Phase.FINISHED || p == Phase.NEW) && !wanted));
  }

  /** Broken by the last start that was asked for; not while another try is on its way. */
  boolean broken() {
    Standing s = standing;
    return s.phase() == Phase.BROKEN && s.start() == starts.get();
  }

  /** Completed when the component has left this core. */
  CompletableFuture<@Nullable Void> closed() {
    return closed;
  }

  // ---- signals

  void wish(Event wish) {
    if (!WISHES.contains(wish)) {
      throw new IllegalArgumentException(wish + " is not a wish.");
    }
    if (wish == Event.START || wish == Event.RESTART || wish == Event.REINSTALL) {
      wanted = true;
      put(new Wished(wish, starts.incrementAndGet()));
    } else {
      put(new Wished(wish, 0));
    }
  }

  void dependencies(boolean ready) {
    put(new Happened(ready ? Event.READY : Event.NOT_READY, -1, "", ""));
  }

  /**
   * Takes over another body at the next install or start; the present one is stopped by its own
   * means.
   */
  void replaceBody(ComponentBody another, Timeouts limits) {
    put(new NewBody(another, limits));
  }

  void configurationChanged(ObjectNode configuration) {
    put(new NewConfiguration(configuration));
  }

  /** A report about the current start, for example by IPC. */
  void report(Event event, String code, String reason) {
    put(new Happened(event, Integer.MAX_VALUE, code, reason));
  }

  private void put(Signal s) {
    pending.incrementAndGet();
    if (queue.offer(s)) {
      return;
    }
    try {
      if (!queue.offer(s, 10, TimeUnit.SECONDS)) {
        pending.decrementAndGet();
        LOG.error("{} does not take signals any more; {} is lost", name, s);
      }
    } catch (InterruptedException e) {
      pending.decrementAndGet();
      Thread.currentThread().interrupt();
    }
  }

  // ---- the actor's thread

  private void run() {
    while (phase != Phase.UNINSTALLED) {
      Signal s;
      try {
        s = queue.take();
      } catch (InterruptedException e) {
        continue;
      }
      try {
        take(s);
      } catch (RuntimeException e) {
        LOG.error("The life cycle of {} met something unexpected", name, e);
      }
      try {
        publish();
      } catch (RuntimeException e) {
        LOG.error("A watcher of {} failed", name, e);
      } finally {
        pending.decrementAndGet();
      }
    }
    closed.complete(null);
  }

  private void take(Signal s) {
    switch (s) {
      case NewBody n -> next = n;
      case NewConfiguration c -> body.configurationChanged(c.configuration());
      case Wished w -> {
        start = Math.max(start, w.start());
        handle(w.event(), "", "");
      }
      case Happened h -> {
        if (h.step() < 0 || h.step() == step || h.step() == Integer.MAX_VALUE) {
          handle(h.event(), h.code(), h.reason());
        }
      }
    }
  }

  private void publish() {
    Standing before = standing;
    boolean moved = phase.state() != before.phase().state();
    standing =
        new Standing(
            phase, start, moved ? clock.instant() : before.since(), statusCode, statusReason);
    if (phase == before.phase() && statusCode.equals(before.statusCode())) {
      return;
    }
    if (moved) {
      if (phase.state() == ComponentState.ERRORED || phase == Phase.BROKEN) {
        LOG.warn("{} {}: {}", name, phase.state(), statusReason);
      } else {
        LOG.info("{} {}", name, phase.state());
      }
    }
    surroundings.changed(this);
  }

  private void handle(Event event, String code, String reason) {
    setGoal(event);
    Event effective = event;
    if (counts(event)) {
      statusCode = code;
      statusReason = reason;
      if (countError()) {
        effective = Event.GIVE_UP;
      }
    } else if (event == Event.STEP_FAILED) {
      statusCode = code;
      statusReason = reason;
    }
    if (cancelled && (event == Event.STEP_OK || event == Event.STEP_FAILED)) {
      effective = Event.STEP_CANCELLED;
    }
    Transition t = LifecycleTable.next(phase, effective);
    if (phase == Phase.RUNNING && t.next() == Phase.STOPPING) {
      errors.remove(Phase.RUNNING);
    }
    phase = t.next();
    act(t.action());
  }

  private void setGoal(Event event) {
    switch (event) {
      case START, RESTART -> goal = Goal.RUN;
      case STOP -> goal = Goal.STOP;
      case REINSTALL -> goal = Goal.REINSTALL;
      case REMOVE -> goal = Goal.REMOVE;
      default -> {
        return;
      }
    }
    wanted = goal == Goal.RUN || goal == Goal.REINSTALL;
  }

  private boolean counts(Event event) {
    return switch (phase) {
      case INSTALLING -> event == Event.STEP_FAILED && !cancelled;
      case STARTING -> event == Event.STEP_FAILED || event == Event.REPORT_ERRORED;
      case RUNNING -> event == Event.REPORT_ERRORED;
      default -> false;
    };
  }

  /** True at the third error. */
  private boolean countError() {
    Instant now = clock.instant();
    List<Instant> times = errors.computeIfAbsent(phase, p -> new ArrayList<>());
    if (!times.isEmpty()
        && Duration.between(times.getLast(), now).compareTo(timeouts.errorReset()) > 0) {
      times.clear();
    }
    times.add(now);
    return times.size() >= ERRORS_TO_BREAK;
  }

  private void act(Action action) {
    switch (action) {
      case NOTHING -> {}
      case INSTALL -> {
        takeNextBody();
        if (goal == Goal.REINSTALL) {
          goal = Goal.RUN;
        }
        ComponentBody b = body;
        step("INSTALL", timeouts.install(), b::install);
      }
      case CANCEL_STEP -> {
        cancelled = true;
        Thread t = stepThread;
        if (t != null) {
          t.interrupt();
        }
      }
      case AWAIT_DEPENDENCIES -> {
        if (surroundings.dependenciesReady()) {
          handle(Event.READY, "", "");
        }
      }
      case START_BODY -> startBody();
      case CLEAR_ERRORS -> {
        errors.remove(Phase.INSTALLING);
        errors.remove(Phase.STARTING);
        statusCode = "";
        statusReason = "";
      }
      case STOP_FINISHED_BODY -> {
        if (goal == Goal.RUN) {
          goal = Goal.STOP;
          wanted = false;
        }
        statusCode = "";
        statusReason = "";
        stopBody();
      }
      case STOP_BODY -> stopBody();
      case END_BODY -> stopBody();
      case RECOVER -> {
        ComponentBody b = body;
        step("RECOVER", timeouts.recover(), b::recover);
      }
      case UNINSTALL -> {
        ComponentBody b = body;
        step("UNINSTALL", timeouts.uninstall(), b::uninstall);
      }
      case RESET_AND_PURSUE_GOAL -> {
        errors.clear();
        statusCode = "";
        statusReason = "";
        pursueGoal();
      }
      case PURSUE_GOAL -> pursueGoal();
      case CLOSE -> wanted = false;
    }
  }

  private void takeNextBody() {
    NewBody n = next;
    if (n != null) {
      body = n.body();
      timeouts = n.timeouts();
      next = null;
      errors.clear(); // they were another body's
    }
  }

  private void pursueGoal() {
    cancelled = false;
    handle(
        switch (goal) {
          case RUN -> Event.START;
          case STOP -> Event.STOP;
          case REINSTALL -> Event.REINSTALL;
          case REMOVE -> Event.REMOVE;
        },
        "",
        "");
  }

  private void startBody() {
    takeNextBody();
    int number = ++step;
    ComponentBody b = body;
    StateReporter reporter =
        new StateReporter() {
          @Override
          public void running() {
            put(new Happened(Event.REPORT_RUNNING, number, "", ""));
          }

          @Override
          public void finished() {
            put(new Happened(Event.REPORT_FINISHED, number, "", ""));
          }

          @Override
          public void errored(String code, String reason) {
            put(new Happened(Event.REPORT_ERRORED, number, code, reason));
          }
        };
    Thread previous = stepThread;
    Thread starter =
        Thread.ofVirtual()
            .name("start-" + name)
            .start(
                () -> {
                  await(previous);
                  try {
                    b.start(reporter);
                  } catch (NucleusException e) {
                    reporter.errored(e.code(), String.valueOf(e.getMessage()));
                  } catch (RuntimeException e) {
                    LOG.error("{} cannot be started", name, e);
                    reporter.errored("STARTUP_ERROR", String.valueOf(e));
                  }
                });
    stepThread = starter;
    watch(
        timeouts.startup(),
        () -> phase != Phase.STARTING,
        () -> {
          starter.interrupt();
          put(
              new Happened(
                  Event.STEP_FAILED,
                  number,
                  "STARTUP_TIMEOUT",
                  "The component did not report RUNNING within "
                      + timeouts.startup().toSeconds()
                      + " s."));
        });
  }

  private void stopBody() {
    ComponentBody b = body;
    Duration limit = timeouts.shutdown();
    step("SHUTDOWN", limit.plus(grace).plus(grace), () -> b.stop(limit));
  }

  private void step(String code, Duration limit, Runnable work) {
    int number = ++step;
    cancelled = false;
    Thread previous = stepThread;
    Thread worker =
        Thread.ofVirtual()
            .name(code.toLowerCase(java.util.Locale.ROOT) + "-" + name)
            .start(
                () -> {
                  await(previous);
                  try {
                    work.run();
                    put(new Happened(Event.STEP_OK, number, "", ""));
                  } catch (NucleusException e) {
                    put(
                        new Happened(
                            Event.STEP_FAILED, number, e.code(), String.valueOf(e.getMessage())));
                  } catch (RuntimeException e) {
                    LOG.error("Step {} of {} failed", code, name, e);
                    put(
                        new Happened(
                            Event.STEP_FAILED, number, code + "_ERROR", String.valueOf(e)));
                  }
                });
    stepThread = worker;
    watch(
        limit.plus(MARGIN),
        () -> !worker.isAlive(),
        () -> {
          worker.interrupt();
          put(
              new Happened(
                  Event.STEP_FAILED,
                  number,
                  code + "_TIMEOUT",
                  "The step did not end within " + limit.toSeconds() + " s."));
        });
  }

  /** Steps do not overlap: a step that ignores its end is waited for, but not for ever. */
  private static void await(@Nullable Thread previous) {
    if (previous == null) {
      return;
    }
    try {
      previous.join(Duration.ofSeconds(30));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void watch(Duration limit, BooleanSupplier done, Runnable late) {
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
