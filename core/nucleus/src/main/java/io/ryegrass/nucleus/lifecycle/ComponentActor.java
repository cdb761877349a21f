package io.ryegrass.nucleus.lifecycle;

import io.ryegrass.nucleus.ComponentBody;
import io.ryegrass.nucleus.ComponentState;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.lifecycle.LifecycleTable.Action;
import io.ryegrass.nucleus.lifecycle.LifecycleTable.Event;
import io.ryegrass.nucleus.lifecycle.LifecycleTable.Phase;
import io.ryegrass.nucleus.lifecycle.LifecycleTable.Transition;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The only one who changes a component's phase: a virtual thread that takes signals one by one and
 * follows {@link LifecycleTable}.
 *
 * <p>Steps (install, start, stop, recover, uninstall) are run by a {@link StepWorker}; their
 * outcome comes back as a signal that carries the number of the step. Signals of an earlier step
 * are ignored, so that the exit of a process that was just ended does not count as an error of the
 * next one.
 *
 * <p>Others see a {@link Standing}, published whole when a signal has been dealt with. It names the
 * last wish to start that was taken up, so that nobody mistakes the outcome of an earlier start for
 * that of the one just asked for.
 */
final class ComponentActor {
  private static final Logger LOG = LoggerFactory.getLogger(ComponentActor.class);
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

  /** Something to do with the present body that changes no phase. */
  private record Told(Consumer<ComponentBody> what) implements Signal {}

  private record NewPolicy(RestartPolicy policy) implements Signal {}

  /** PAUSE or RESUME: done at once, and answered. */
  private record Asked(Event event, CompletableFuture<@Nullable Void> answer) implements Signal {}

  /**
   * What others see.
   *
   * @param start number of the last wish to start that was taken up
   * @param looping fails again and again under a restart policy of our own
   */
  private record Standing(
      Phase phase,
      long start,
      Instant since,
      String statusCode,
      String statusReason,
      boolean looping) {}

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
  private final StepWorker steps;
  private final ErrorCount errors = new ErrorCount();

  // Written by the actor's thread only; volatile fields are read by others.
  private ComponentBody body;
  private Timeouts timeouts;
  private RestartPolicy policy = RestartPolicy.CONTRACT;
  private @Nullable NewBody next;
  private Goal goal = Goal.STOP;
  private @Nullable Event delayed;
  private @Nullable Runnable afterwards;
  private boolean cancelled;
  private long start;
  private Instant phaseSince;
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
    this.steps =
        new StepWorker(name, (e, step, code, why) -> put(new Happened(e, step, code, why)));
    this.phaseSince = clock.instant();
    this.standing = new Standing(Phase.NEW, 0, phaseSince, "", "", false);
    Thread.ofVirtual().name("component-" + name).start(this::run);
  }

  String name() {
    return name;
  }

  ComponentState state() {
    return standing.phase().state();
  }

  Phase phase() {
    return standing.phase();
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

  /** Nothing more happens by itself, and no signal waits; or it fails again and again. */
  boolean settled() {
    if (pending.get() != 0) {
      return false;
    }
    Standing s = standing; // after the count: what was dealt with by then is in it
    if (s.start() != starts.get()) {
      return false;
    }
    return switch (s.phase()) {
      case RUNNING, PAUSED, BROKEN, UNINSTALLED, RESTING -> true;
      case FINISHED, NEW -> !wanted;
      default -> looping(s);
    };
  }

  /**
   * Broken by the last start that was asked for, or failing again and again since then; not while
   * another try is on its way that nobody has seen the end of.
   */
  boolean broken() {
    Standing s = standing;
    return (s.phase() == Phase.BROKEN || looping(s)) && s.start() == starts.get();
  }

  private static boolean looping(Standing s) {
    return s.looping()
        && (s.phase() == Phase.WAITING_TO_INSTALL || s.phase() == Phase.WAITING_TO_START);
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
    put(new Told(b -> b.configurationChanged(configuration)));
  }

  /** What is done with the present body between two signals; it must not take long. */
  void tell(Consumer<ComponentBody> what) {
    put(new Told(what));
  }

  void restartPolicy(RestartPolicy another) {
    put(new NewPolicy(another));
  }

  /**
   * Freezes or thaws the component's processes (IPC-19).
   *
   * @param event PAUSE or RESUME
   * @return completed when it is done; fails with a NucleusException of code INVALID_ARGUMENTS when
   *     the component is not in the state for it
   */
  CompletableFuture<@Nullable Void> ask(Event event) {
    CompletableFuture<@Nullable Void> answer = new CompletableFuture<>();
    put(new Asked(event, answer));
    return answer;
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
        Runnable told = afterwards;
        afterwards = null;
        if (told != null) {
          told.run();
        }
      }
    }
    closed.complete(null);
  }

  private void take(Signal s) {
    switch (s) {
      case NewBody n -> next = n;
      case Told t -> t.what().accept(body);
      case NewPolicy p -> policy = p.policy();
      case Asked a -> answer(a);
      case Wished w -> {
        start = Math.max(start, w.start());
        handle(w.event(), "", "");
      }
      case Happened h -> {
        if (h.step() < 0 || h.step() == steps.number() || h.step() == Integer.MAX_VALUE) {
          handle(h.event(), h.code(), h.reason());
        }
      }
    }
  }

  private void answer(Asked a) {
    if (LifecycleTable.next(phase, a.event()).next() == phase) {
      a.answer()
          .completeExceptionally(
              new NucleusException(
                  "INVALID_ARGUMENTS",
                  a.event() == Event.PAUSE
                      ? "Component "
                          + name
                          + " is "
                          + (phase == Phase.PAUSED ? "paused already" : phase.state())
                          + "; only a RUNNING component can be paused."
                      : "Component " + name + " is not paused."));
      return;
    }
    try {
      if (a.event() == Event.PAUSE) {
        body.pause();
      } else {
        body.resume();
      }
      handle(a.event(), "", "");
      afterwards = () -> a.answer().complete(null);
    } catch (RuntimeException e) {
      a.answer().completeExceptionally(e);
    }
  }

  private void publish() {
    Standing before = standing;
    boolean moved = phase.state() != before.phase().state();
    standing =
        new Standing(
            phase,
            start,
            moved ? clock.instant() : before.since(),
            statusCode,
            statusReason,
            errors.looping());
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
      delayed = Event.BACK_OFF;
      Duration inPhase = Duration.between(phaseSince, clock.instant());
      Phase counted = phase == Phase.PAUSED ? Phase.RUNNING : phase;
      if (errors.add(counted, clock.instant(), inPhase, timeouts.errorReset(), policy)) {
        effective = Event.GIVE_UP;
      }
    } else if (event == Event.STEP_FAILED) {
      statusCode = code;
      statusReason = reason;
    } else if (WISHES.contains(event)) {
      delayed = null;
    }
    if (cancelled && (event == Event.STEP_OK || event == Event.STEP_FAILED)) {
      effective = Event.STEP_CANCELLED;
    }
    Transition t = LifecycleTable.next(phase, effective);
    if (t.next() != phase) {
      if (!counts(event)) {
        errors.left(phase == Phase.PAUSED ? Phase.RUNNING : phase);
      }
      if (phase != Phase.PAUSED && t.next() != Phase.PAUSED) {
        phaseSince = clock.instant(); // a pause does not begin the time anew
      }
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
      case INSTALLING ->
          (event == Event.STEP_FAILED || event == Event.REPORT_ERRORED) && !cancelled;
      case STARTING -> event == Event.STEP_FAILED || event == Event.REPORT_ERRORED;
      case RUNNING, PAUSED -> event == Event.REPORT_ERRORED;
      default -> false;
    };
  }

  private void act(Action action) {
    ComponentBody b = body;
    switch (action) {
      case NOTHING -> {}
      case INSTALL -> {
        takeNextBody();
        if (goal == Goal.REINSTALL) {
          goal = Goal.RUN;
        }
        cancelled = false;
        steps.run("INSTALL", timeouts.install(), body::install);
      }
      case CANCEL_STEP -> {
        cancelled = true;
        steps.interrupt();
      }
      case AWAIT_DEPENDENCIES -> {
        if (surroundings.dependenciesReady()) {
          handle(Event.READY, "", "");
        }
      }
      case START_BODY -> {
        takeNextBody();
        steps.start(body, timeouts.startup(), () -> phase != Phase.STARTING);
      }
      case CLEAR_ERRORS -> {
        statusCode = "";
        statusReason = "";
      }
      case STOP_FINISHED_BODY -> {
        errors.finished();
        if (goal == Goal.RUN) {
          if (policy.mode() == RestartPolicy.Mode.ALWAYS) {
            delayed = Event.REST;
          } else {
            goal = Goal.STOP;
            wanted = false;
          }
        }
        statusCode = "";
        statusReason = "";
        stopBody();
      }
      case STOP_BODY, END_BODY -> stopBody();
      case RECOVER -> {
        if (phase == Phase.ERRORED_INSTALL) {
          steps.interrupt(); // the component said itself that it failed; its script may still run
        }
        cancelled = false;
        steps.run("RECOVER", timeouts.recover(), b::recover);
      }
      case UNINSTALL -> {
        cancelled = false;
        steps.run("UNINSTALL", timeouts.uninstall(), b::uninstall);
      }
      case RESET_AND_PURSUE_GOAL -> {
        errors.clear();
        statusCode = "";
        statusReason = "";
        pursueGoal();
      }
      case PURSUE_GOAL -> pursueGoal();
      case WAIT -> {
        Duration delay = policy.delay(Math.max(1, errors.inARow()), ThreadLocalRandom.current());
        LOG.info("{} begins again in {} ms", name, delay.toMillis());
        steps.later(delay);
      }
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
    Event because = delayed;
    delayed = null;
    handle(
        switch (goal) {
          case RUN ->
              because != null && policy.mode() != RestartPolicy.Mode.GREENGRASS
                  ? because
                  : Event.START;
          case STOP -> Event.STOP;
          case REINSTALL -> Event.REINSTALL;
          case REMOVE -> Event.REMOVE;
        },
        "",
        "");
  }

  private void stopBody() {
    ComponentBody b = body;
    Duration limit = timeouts.shutdown();
    cancelled = false;
    steps.run("SHUTDOWN", limit.plus(grace).plus(grace), () -> b.stop(limit));
  }
}
