package io.ryegrass.mqtt;

import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Stores nothing: for a broker without a data folder. */
final class VolatileJournal implements Journal {
  private final AtomicLong numbers = new AtomicLong(1);

  @Override
  public boolean stores() {
    return false;
  }

  @Override
  public void enter() {}

  @Override
  public void exit() {}

  @Override
  public long nextNumber() {
    return numbers.getAndIncrement();
  }

  @Override
  public void sessionCreated(long incarnation, SessionMeta meta) {}

  @Override
  public void sessionChanged(long incarnation, SessionMeta meta) {}

  @Override
  public void sessionRemoved(long incarnation) {}

  @Override
  public void subscribed(long incarnation, Subscription subscription) {}

  @Override
  public void unsubscribed(long incarnation, String filter) {}

  @Override
  public long message(Message message, List<Owed> owed, long publisherIncarnation, int packetId) {
    return 0; // not stored
  }

  @Override
  public void receivedDone(long incarnation, int packetId) {}

  @Override
  public void sent(long incarnation, long sequence, int packetId) {}

  @Override
  public void released(long incarnation, long sequence, int packetId) {}

  @Override
  public void settled(long incarnation, long sequence) {}

  @Override
  public void retained(Message message) {}

  @Override
  public void retainedRemoved(String topic) {}

  @Override
  public long position() {
    return 0;
  }

  @Override
  public long durablePosition() {
    return Long.MAX_VALUE;
  }

  @Override
  public void whenDurable(long position, Consumer<@Nullable RuntimeException> then) {
    then.accept(null);
  }

  @Override
  public void sync() {}

  @Override
  public boolean compactionDue() {
    return false;
  }

  @Override
  public void compact(Supplier<Captured> capture) {}

  @Override
  public void close() {}
}
