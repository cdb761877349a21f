package io.ryegrass.eventstream;

import static io.ryegrass.eventstream.EventStreamException.Code.CLOSED;
import static io.ryegrass.eventstream.EventStreamException.Code.TIMEOUT;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/**
 * The server's side of one stream: first one response, then, in a streaming operation, events until
 * either side closes (v2-ipc.md §3.2).
 *
 * <p>Safe for any thread. An event that comes before the response waits for it, so a handler may
 * subscribe first and respond afterwards without its client seeing an event too early.
 */
public final class ServerStream {
  private static final Logger log = LoggerFactory.getLogger(ServerStream.class);
  private static final long RESPONSE_WAIT_SECONDS = 30;
  private static final int MAX_EARLY = 256;

  private final ServerConnection connection;
  private final int id;
  private final RpcOperation operation;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition responded = lock.newCondition();
  private State state = State.OPENED;
  private volatile @Nullable FrameTemplate eventTemplate;
  private final List<Runnable> onClose = new ArrayList<>();

  /** Events offered before the response is on its way; null when there are none. */
  private @Nullable List<SharedEvent> early;

  private enum State {
    OPENED,
    RESPONDING,
    RESPONDED,
    CLOSED
  }

  ServerStream(ServerConnection connection, int id, RpcOperation operation) {
    this.connection = connection;
    this.id = id;
    this.operation = operation;
  }

  /** Who called: the name that authentication gave. */
  public String principal() {
    return connection.principal();
  }

  /** Distinguishes this stream from all others of the server, for logs and keys. */
  public String key() {
    return connection.number() + "." + id;
  }

  /** Sends the response; ends the stream of a unary operation. A closed stream ignores it. */
  public void respond(JsonNode response) {
    List<Runnable> actions = List.of();
    lock.lock();
    try {
      if (state != State.OPENED) {
        return;
      }
      boolean last = !operation.streaming();
      state = last ? State.CLOSED : State.RESPONDING;
      if (last) {
        connection.forget(id);
        actions = takeActions();
      }
    } finally {
      lock.unlock();
    }
    // not under the lock: who offers an event must not wait for a client that does not read
    send(
        FrameTemplate.of(!operation.streaming(), operation.responseShape())
            .encode(id, RpcMessage.bytes(response)));
    responded();
    run(actions);
  }

  private void responded() {
    lock.lock();
    try {
      if (state == State.RESPONDING) {
        state = State.RESPONDED;
        FrameTemplate template = eventTemplate();
        for (SharedEvent event : early == null ? List.<SharedEvent>of() : early) {
          boolean _ = connection.offer(template, id, event);
        }
        early = null;
        responded.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Sends one event without waiting: what finds the client's queue full is dropped and counted. For
   * events that come from others, who must not be slowed down by this client.
   *
   * @return false when it was dropped
   */
  public boolean offerEvent(SharedEvent event) {
    FrameTemplate template = eventTemplate();
    lock.lock();
    try {
      return switch (state) {
        case OPENED, RESPONDING -> {
          List<SharedEvent> kept = early == null ? new ArrayList<>() : early;
          early = kept;
          yield kept.size() < MAX_EARLY && kept.add(event);
        }
        case RESPONDED -> connection.offer(template, id, event);
        case CLOSED -> false;
      };
    } finally {
      lock.unlock();
    }
  }

  /** How much this client has still to read of what others sent. */
  public enum Backlog {
    /** It keeps up. */
    SMALL,
    /** Soon events will be dropped; waiting a moment may help. */
    LARGE,
    /** As LARGE, and waiting did not help. */
    HOPELESS
  }

  /** How the queue of this client's connection stands. */
  public Backlog backlog() {
    return connection.writer().backlog();
  }

  /** Waits until a LARGE backlog has become SMALL, or HOPELESS because the time is over. */
  public void awaitRoom(Duration atMost) {
    connection.writer().awaitRoom(atMost);
  }

  private FrameTemplate eventTemplate() {
    FrameTemplate template = eventTemplate;
    if (template == null) {
      String shape = operation.eventShape();
      if (shape == null) {
        throw new IllegalStateException(operation.name() + " has no events");
      }
      template = FrameTemplate.of(false, shape);
      eventTemplate = template;
    }
    return template;
  }

  /**
   * Sends one event of the operation's event union.
   *
   * @throws EventStreamException CLOSED or TIMEOUT when the client is gone or does not read; stop
   *     sending then
   */
  public void sendEvent(JsonNode event) {
    byte[] frame = eventTemplate().encode(id, RpcMessage.bytes(event));
    lock.lock();
    try {
      long left = TimeUnit.SECONDS.toNanos(RESPONSE_WAIT_SECONDS);
      while (state == State.OPENED || state == State.RESPONDING) {
        if (left <= 0) {
          throw new EventStreamException(TIMEOUT, "no response was sent before the event");
        }
        left = responded.awaitNanos(left);
      }
      if (state == State.CLOSED) {
        throw new EventStreamException(CLOSED, "the stream is closed");
      }
      connection.send(frame);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new EventStreamException(CLOSED, "interrupted while waiting to send an event", e);
    } finally {
      lock.unlock();
    }
  }

  /** Ends the stream with an error, before or after the response. */
  public void fail(RpcError error) {
    end(RpcMessage.error(id, error));
  }

  /** Ends the stream without a word of its own. */
  public void close() {
    end(RpcMessage.close(id));
  }

  /**
   * Runs the action once when the stream ends, whoever ended it; at once when it already has. Runs
   * on the thread that saw the end.
   */
  public void onClose(Runnable action) {
    lock.lock();
    try {
      if (state != State.CLOSED) {
        onClose.add(action);
        return;
      }
    } finally {
      lock.unlock();
    }
    run(List.of(action));
  }

  /** The client closed the stream, or the connection is gone. */
  void closedByPeer() {
    List<Runnable> actions;
    lock.lock();
    try {
      if (state == State.CLOSED) {
        return;
      }
      state = State.CLOSED;
      connection.forget(id);
      responded.signalAll();
      actions = takeActions();
    } finally {
      lock.unlock();
    }
    run(actions);
  }

  RpcOperation operation() {
    return operation;
  }

  private void end(RpcMessage last) {
    List<Runnable> actions;
    lock.lock();
    try {
      if (state == State.CLOSED) {
        return;
      }
      state = State.CLOSED;
      connection.forget(id);
      responded.signalAll();
      actions = takeActions();
      send(last.encode());
    } finally {
      lock.unlock();
    }
    run(actions);
  }

  /** A last word to a client that is gone is not an error of the one who speaks. */
  private void send(byte[] frame) {
    try {
      connection.send(frame);
    } catch (EventStreamException e) {
      if (e.code() != CLOSED && e.code() != TIMEOUT) {
        throw e;
      }
      log.debug("client {} left before the answer to {}", principal(), operation.name());
    }
  }

  private List<Runnable> takeActions() {
    List<Runnable> actions = List.copyOf(onClose);
    onClose.clear();
    return actions;
  }

  private void run(List<Runnable> actions) {
    for (Runnable action : actions) {
      try {
        action.run();
      } catch (RuntimeException e) {
        log.warn("cleaning up after {} of {} failed", operation.name(), principal(), e);
      }
    }
  }
}
