package io.ryegrass.mqtt;

import java.time.Clock;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What happens some time after a client has gone: its will is published, its session ends. One
 * timer each; a timer that fails concerns its own session alone.
 */
final class Departures implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Departures.class);

  /** A long wait is cut into pieces, as the wall clock may be set meanwhile. */
  private static final long LONGEST_MILLIS = TimeUnit.HOURS.toMillis(1);

  private record WaitingWill(Client client, Will will, Future<?> timer) {}

  private final Engine engine;
  private final Clock clock;
  private final Map<Session, WaitingWill> wills = new ConcurrentHashMap<>();
  private final Map<Session, Future<?>> ends = new ConcurrentHashMap<>();
  private final ScheduledThreadPoolExecutor timer;

  Departures(Engine engine, Clock clock) {
    this.engine = engine;
    this.clock = clock;
    this.timer =
        new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().daemon().name("mqtt-timer").factory());
    timer.setRemoveOnCancelPolicy(true);
  }

  /** The session ends at its time unless the client comes back. */
  void sessionWaits(Session session) {
    // Looked at within compute: whoever is last here has seen the session as it is last.
    ends.compute(
        session,
        (unused, before) -> {
          if (before != null) {
            before.cancel(false);
          }
          long at = session.endsAt();
          if (at == Long.MAX_VALUE) {
            return null;
          }
          long wait = Math.clamp(at - clock.millis(), 0, LONGEST_MILLIS);
          return schedule(() -> sessionDue(session), wait);
        });
  }

  private void sessionDue(Session session) {
    ends.remove(session);
    long at = session.endsAt();
    if (at == Long.MAX_VALUE) {
      return; // it is connected again
    }
    if (at > clock.millis()) {
      sessionWaits(session);
      return;
    }
    sendWaitingWill(session); // a session's end is its will's latest moment [MQTT5-3.1.3-9]
    engine.expire(session);
  }

  /** Before the session is given up, so that a client that is back at once finds it. */
  void willWaits(Session session, Client client, Will will, long delaySeconds) {
    Future<?> due = schedule(() -> sendWaitingWill(session), delaySeconds * 1_000);
    wills.put(session, new WaitingWill(client, will, due));
  }

  /** The will is due now, if there is one. */
  void sendWaitingWill(Session session) {
    WaitingWill waiting = wills.remove(session);
    if (waiting != null) {
      waiting.timer.cancel(false);
      engine.publishWill(waiting.client, waiting.will);
    }
  }

  /**
   * The client is back. With its old session its will is no longer needed; if that has ended the
   * will is due now.
   */
  void returned(Session session, boolean present) {
    Future<?> end = ends.remove(session);
    if (end != null) {
      end.cancel(false);
    }
    if (present) {
      WaitingWill waiting = wills.remove(session);
      if (waiting != null) {
        waiting.timer.cancel(false);
      }
    } else {
      sendWaitingWill(session);
    }
  }

  /** On a virtual thread when it is due: host code may block. */
  private Future<?> schedule(Runnable task, long millis) {
    try {
      return timer.schedule(() -> start(task), millis, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      LOG.debug("The broker is closed; nothing is due any more", e);
      return CompletableFuture.completedFuture(null);
    }
  }

  private void start(Runnable task) {
    try {
      engine
          .threads()
          .execute(
              () -> {
                try {
                  task.run();
                } catch (RuntimeException e) {
                  LOG.warn("What was due after a client's disconnect failed", e);
                }
              });
    } catch (RejectedExecutionException e) {
      LOG.debug("The broker is closed; nothing is due any more", e);
    }
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
