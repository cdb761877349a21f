package io.ryegrass.eventstream;

import static io.ryegrass.eventstream.EventStreamException.Code.CLOSED;
import static io.ryegrass.eventstream.EventStreamException.Code.TIMEOUT;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
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

  private final ServerConnection connection;
  private final int id;
  private final RpcOperation operation;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition responded = lock.newCondition();
  private State state = State.OPENED;
  private final List<Runnable> onClose = new ArrayList<>();

  private enum State {
    OPENED,
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
      state = last ? State.CLOSED : State.RESPONDED;
      if (last) {
        connection.forget(id);
        actions = takeActions();
      }
      send(RpcMessage.data(id, last, null, operation.responseShape(), response));
      responded.signalAll();
    } finally {
      lock.unlock();
    }
    run(actions);
  }

  /**
   * Sends one event of the operation's event union.
   *
   * @throws EventStreamException CLOSED or TIMEOUT when the client is gone or does not read; stop
   *     sending then
   */
  public void sendEvent(JsonNode event) {
    String shape = operation.eventShape();
    if (shape == null) {
      throw new IllegalStateException(operation.name() + " has no events");
    }
    lock.lock();
    try {
      long left = TimeUnit.SECONDS.toNanos(RESPONSE_WAIT_SECONDS);
      while (state == State.OPENED) {
        if (left <= 0) {
          throw new EventStreamException(TIMEOUT, "no response was sent before the event");
        }
        left = responded.awaitNanos(left);
      }
      if (state == State.CLOSED) {
        throw new EventStreamException(CLOSED, "the stream is closed");
      }
      connection.send(RpcMessage.data(id, false, null, shape, event));
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
      send(last);
    } finally {
      lock.unlock();
    }
    run(actions);
  }

  /** A last word to a client that is gone is not an error of the one who speaks. */
  private void send(RpcMessage message) {
    try {
      connection.send(message);
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
