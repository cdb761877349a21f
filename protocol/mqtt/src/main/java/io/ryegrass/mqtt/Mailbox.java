package io.ryegrass.mqtt;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The packets of one connection that are handled off the event loop, in order, by one virtual
 * thread at a time, which exists only while there are some.
 *
 * <p>{@link #isIdle} is the event loop's own view: it becomes true by a task of the loop that comes
 * after everything that the handled packets gave to the loop. So whoever then handles a packet
 * directly cannot overtake an answer.
 */
final class Mailbox {
  private static final Logger LOG = LoggerFactory.getLogger(Mailbox.class);
  private static final int BATCH = 64;

  private final ExecutorService threads;
  private final int capacity;
  private final Connection connection;
  private final ReentrantLock lock = new ReentrantLock();
  private final ArrayDeque<Packet> packets = new ArrayDeque<>(2);
  private boolean draining;
  private boolean ended;
  private boolean finished;
  private volatile boolean full;

  /** Touched by the event loop only. */
  private boolean busy;

  Mailbox(ExecutorService threads, int capacity, Connection connection) {
    this.threads = threads;
    this.capacity = capacity;
    this.connection = connection;
  }

  boolean isFull() {
    return full;
  }

  /** On the event loop: nothing waits, and nothing that is not through yet was handled. */
  boolean isIdle() {
    return !busy;
  }

  /** On the event loop. */
  void post(Packet packet) {
    busy = true;
    boolean start;
    lock.lock();
    try {
      if (ended) {
        return;
      }
      packets.add(packet);
      full = packets.size() >= capacity;
      start = !draining;
      draining = true;
    } finally {
      lock.unlock();
    }
    if (start) {
      start();
    }
    if (full) {
      connection.updateReading();
    }
  }

  /** Nothing more comes; from any thread. What is there is still handled. */
  void end() {
    boolean start;
    lock.lock();
    try {
      if (ended) {
        return;
      }
      ended = true;
      start = !draining;
      draining = true;
    } finally {
      lock.unlock();
    }
    if (start) {
      start();
    }
  }

  private void start() {
    try {
      threads.execute(this::drain);
    } catch (RejectedExecutionException e) {
      LOG.debug(
          "The broker is closed; nothing more is done for {}", connection.packets().describe(), e);
      connection.abandoned();
    }
  }

  private void drain() {
    List<Packet> batch = new ArrayList<>(4);
    while (take(batch)) {
      connection.packets().handle(batch);
      batch.clear();
    }
  }

  private boolean take(List<Packet> batch) {
    boolean resume = false;
    boolean finish = false;
    lock.lock();
    try {
      while (batch.size() < BATCH && !packets.isEmpty()) {
        batch.add(packets.remove());
      }
      if (full && packets.size() <= capacity / 2) {
        full = false;
        resume = true;
      }
      if (batch.isEmpty()) {
        if (ended) {
          finish = !finished;
          finished = true; // and never drained again
        } else {
          draining = false;
        }
      }
    } finally {
      lock.unlock();
    }
    if (finish) {
      connection.finish();
    } else if (batch.isEmpty()) {
      connection.executeLater(this::drained);
    }
    if (resume) {
      connection.executeLater(connection::updateReading);
    }
    return !batch.isEmpty();
  }

  private void drained() {
    lock.lock();
    try {
      if (!draining) {
        busy = false;
      }
    } finally {
      lock.unlock();
    }
  }
}
