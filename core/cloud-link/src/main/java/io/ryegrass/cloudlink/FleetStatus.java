package io.ryegrass.cloudlink;

import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.DurableFiles;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.ComponentState;
import io.ryegrass.nucleus.ComponentStatus;
import io.ryegrass.nucleus.FleetReporter;
import io.ryegrass.nucleus.FleetSnapshot;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Decides what of the nucleus' snapshots the cloud is told, and when (v2-deployments.md section
 * 11).
 *
 * <p>First a COMPLETE message when the components have settled after the start; nothing goes before
 * it. Then PARTIAL messages with what differs from what the cloud acknowledged last: at the end of
 * a deployment, and on changes, at least three seconds apart. A PARTIAL cannot say that a component
 * is gone, so a removal makes the message COMPLETE. After a reconnect everything is told again if
 * something was missed. Beside the rare CADENCE message a small PARTIAL without components goes out
 * after each quiet minute, so that "last seen" in the cloud is never older (LESSON-16).
 *
 * <p>Sequence numbers grow for ever: blocks of them are reserved on disk, and a new process begins
 * with the next block.
 */
final class FleetStatus implements FleetReporter, ControlChannel.Part, AutoCloseable {
  private static final Duration SPACING = Duration.ofSeconds(1);

  /** Between two messages on changes of components. */
  private static final Duration CHANGE_SPACING = Duration.ofSeconds(3);

  /** An overdue CADENCE comes within this time after the start, at random. */
  private static final Duration OVERDUE = Duration.ofSeconds(5);

  private static final Duration QUIET_RECONNECT = Duration.ofSeconds(60);
  private static final int MOST_DEPLOYMENTS = 32;
  private static final int SEQUENCE_BLOCK = 1000;
  private static final Logger LOG = LoggerFactory.getLogger(FleetStatus.class);

  private record Plan(
      boolean complete, String trigger, boolean everything, @Nullable FleetSnapshot deployment) {}

  private final LinkSettings settings;
  private final ControlChannel channel;
  private final String topic;
  private final Path sequenceFile;
  private final Path cadenceFile;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  private List<ComponentStatus> latest = List.of(); // lock
  private boolean launched; // lock; the launch snapshot is here
  private boolean dirty; // lock
  private boolean reconnected; // lock
  private boolean closed; // lock
  private final Deque<FleetSnapshot> deployments = new ArrayDeque<>(); // lock

  // of the sending thread
  private boolean launchTold;
  private boolean missed;
  private final Map<String, ComponentStatus> told = new HashMap<>();
  private long lastSentNanos = System.nanoTime() - SPACING.toNanos();
  private long lastChangeNanos = System.nanoTime() - CHANGE_SPACING.toNanos();
  private long lastAckNanos = System.nanoTime();
  private long cadenceNanos;
  private long sequence;
  private long reserved;
  private volatile long acknowledged;
  private final Thread thread;

  FleetStatus(LinkSettings settings, ControlChannel channel) {
    this.settings = settings;
    this.channel = channel;
    this.topic = "$aws/things/" + settings.identity().thingName() + "/greengrassv2/health/json";
    this.sequenceFile = settings.spoolFolder().resolve("fleet-sequence");
    this.sequence = readSequence();
    this.reserved = sequence;
    this.cadenceFile = settings.spoolFolder().resolve("fleet-cadence");
    this.cadenceNanos = System.nanoTime() + untilCadence().toNanos();
    this.thread = Thread.ofVirtual().name("fleet-status").unstarted(this::run);
  }

  void start() {
    thread.start();
  }

  long acknowledged() {
    return acknowledged;
  }

  @Override
  public void componentsChanged(FleetSnapshot s) {
    lock.lock();
    try {
      latest =
          s.components().stream().filter(c -> c.state() != ComponentState.UNINSTALLED).toList();
      switch (s.trigger()) {
        case NUCLEUS_LAUNCH -> launched = true;
        case COMPONENT_STATUS_CHANGE -> dirty = true;
        case LOCAL_DEPLOYMENT, THING_DEPLOYMENT, THING_GROUP_DEPLOYMENT -> {
          if (deployments.size() == MOST_DEPLOYMENTS) {
            FleetSnapshot oldest = deployments.removeFirst();
            LOG.warn(
                "Too many ended deployments wait for the cloud; one ({}) is left out",
                oldest.trigger());
          }
          deployments.addLast(s);
        }
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public List<String> filters() {
    return List.of();
  }

  @Override
  public boolean message(String topic, JsonNode message) {
    return false;
  }

  @Override
  public void connected() {
    lock.lock();
    try {
      reconnected = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void run() {
    try {
      while (true) {
        if (!channel.awaitReady(Duration.ofSeconds(30))) {
          if (isClosed()) {
            return;
          }
          continue;
        }
        Plan plan = awaitPlan();
        if (plan == null) {
          if (isClosed()) {
            return;
          }
          continue;
        }
        carryOut(plan);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean isClosed() {
    lock.lock();
    try {
      return closed;
    } finally {
      lock.unlock();
    }
  }

  /** Waits at most a few seconds for something to tell; null when there is nothing. */
  private @Nullable Plan awaitPlan() throws InterruptedException {
    lock.lock();
    try {
      long now = System.nanoTime();
      if (launched
          && now - lastSentNanos < SPACING.toNanos()
          && deployments.isEmpty()
          && launchTold) {
        var unused = changed.awaitNanos(SPACING.toNanos() - (now - lastSentNanos));
      }
      Plan plan = plan(System.nanoTime());
      if (plan == null && !closed) {
        var unused = changed.await(1, TimeUnit.SECONDS);
        plan = plan(System.nanoTime());
      }
      return closed ? null : plan;
    } finally {
      lock.unlock();
    }
  }

  /** What is to be told now, the most important first. */
  private @Nullable Plan plan(long now) {
    if (!launched) {
      return null;
    }
    if (!launchTold) {
      return new Plan(true, "NUCLEUS_LAUNCH", true, null);
    }
    FleetSnapshot ended = deployments.peekFirst();
    if (ended != null) {
      return new Plan(gone(), ended.trigger().name(), false, ended);
    }
    if (now - lastSentNanos < SPACING.toNanos()) {
      return null;
    }
    long quiet = now - lastAckNanos;
    if (reconnected && (missed || quiet > QUIET_RECONNECT.toNanos())) {
      return new Plan(gone(), "RECONNECT", true, null);
    }
    reconnected = false;
    if (dirty && now - lastChangeNanos >= CHANGE_SPACING.toNanos()) {
      return new Plan(gone(), "COMPONENT_STATUS_CHANGE", false, null);
    }
    if (now - cadenceNanos >= 0) {
      return new Plan(true, "CADENCE", true, null);
    }
    Duration keepAlive = settings.fleetKeepAlive();
    if (!keepAlive.isZero() && quiet >= keepAlive.toNanos()) {
      return new Plan(false, "CADENCE", false, null);
    }
    return null;
  }

  private boolean gone() {
    return told.keySet().stream()
        .anyMatch(name -> latest.stream().noneMatch(c -> c.name().equals(name)));
  }

  private void carryOut(Plan plan) throws InterruptedException {
    List<ComponentStatus> all;
    if (plan.trigger().equals("COMPONENT_STATUS_CHANGE")) {
      lastChangeNanos = System.nanoTime();
    }
    lock.lock();
    try {
      all = latest;
      dirty = false;
      reconnected = false;
    } finally {
      lock.unlock();
    }
    List<ComponentStatus> listed =
        plan.everything() || plan.complete()
            ? all
            : all.stream().filter(c -> !c.equals(told.get(c.name()))).toList();
    boolean keepAlive = plan.trigger().equals("CADENCE");
    if (listed.isEmpty() && plan.deployment() == null && !keepAlive) {
      return;
    }
    lastSentNanos = System.nanoTime();
    try {
      long number = nextSequence();
      for (ObjectNode message :
          FleetMessages.of(
              settings.identity().thingName(),
              plan.complete(),
              plan.trigger(),
              number,
              settings.clock().millis(),
              listed,
              all,
              plan.deployment())) {
        channel.publish(topic, message);
      }
    } catch (CloudUnavailableException e) {
      LOG.debug(
          "Fleet status {} waits for the next connection: {}", plan.trigger(), e.getMessage());
      missed = true;
      lock.lock();
      try {
        dirty = true;
        reconnected = true;
        var unused = changed.await(100, TimeUnit.MILLISECONDS);
      } finally {
        lock.unlock();
      }
      return;
    }
    acknowledged(plan, listed);
  }

  private void acknowledged(Plan plan, List<ComponentStatus> listed) {
    acknowledged++;
    lastAckNanos = System.nanoTime();
    launchTold = true;
    missed = missed && !plan.everything();
    if (plan.complete()) {
      told.clear();
    }
    listed.forEach(c -> told.put(c.name(), c));
    if (plan.deployment() != null) {
      lock.lock();
      try {
        deployments.remove(plan.deployment());
      } finally {
        lock.unlock();
      }
    }
    if (plan.trigger().equals("CADENCE") && plan.complete()) {
      cadenceNanos = lastAckNanos + settings.fleetCadence().toNanos();
      keep(cadenceFile, settings.clock().millis());
    }
  }

  /**
   * The first one comes at random within an interval, so that a fleet that was installed together
   * does not speak together; later ones when they are due, also over restarts.
   */
  private Duration untilCadence() {
    Duration interval = settings.fleetCadence();
    long now = settings.clock().millis();
    long last = number(cadenceFile, -1);
    if (last < 0 || last > now) {
      Duration first = random(interval);
      // as if the last one had been then: a core that is often restarted must not put it off
      keep(cadenceFile, now + first.toMillis() - interval.toMillis());
      return first;
    }
    Duration left = Duration.ofMillis(last - now).plus(interval);
    return left.isPositive() ? left : random(OVERDUE);
  }

  private static Duration random(Duration most) {
    return Duration.ofNanos(RandomGenerator.getDefault().nextLong(Math.max(1, most.toNanos())));
  }

  private static void keep(Path file, long number) {
    try {
      DurableFiles.writeAtomically(file, Long.toString(number).getBytes(StandardCharsets.US_ASCII));
    } catch (RuntimeException e) {
      LOG.warn("{} could not be written: {}", file, e.getMessage());
    }
  }

  /** What {@link #keep} has written. */
  private static long number(Path file, long otherwise) {
    try {
      return DurableFiles.read(file)
          .map(b -> Long.parseLong(new String(b, StandardCharsets.US_ASCII).strip()))
          .orElse(otherwise);
    } catch (NumberFormatException e) {
      LOG.warn("{} holds no number and is written anew", file);
      return otherwise;
    } catch (DurableException e) {
      LOG.warn("{}; what it held is made anew", e.getMessage());
      return otherwise;
    }
  }

  private long nextSequence() {
    sequence++;
    if (sequence > reserved) {
      reserved = sequence + SEQUENCE_BLOCK;
      keep(sequenceFile, reserved);
    }
    return sequence;
  }

  private long readSequence() {
    // without a number in it: the time is larger than any number given out before
    return number(sequenceFile, Files.exists(sequenceFile) ? settings.clock().millis() : 0);
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    thread.interrupt();
    Ending.of(thread);
  }
}
