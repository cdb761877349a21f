package io.ryegrass.mqtt;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Counts open sockets and keeps those apart whose CONNECT was not answered yet, in the order of
 * their accept. At the bound the oldest of these gives way, if it had its time; clients that are
 * connected never do. So ten thousand sockets that say nothing do not shut out one that speaks.
 */
final class Sockets {
  private static final Duration CLOSING = Duration.ofSeconds(2);

  private final ListenerBounds bounds;
  private final ListenerCounters counters;
  private final AtomicInteger open = new AtomicInteger();
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<Channel, Long> pending = new LinkedHashMap<>();

  Sockets(ListenerBounds bounds, ListenerCounters counters) {
    this.bounds = bounds;
    this.counters = counters;
  }

  /** False: there is no place, and the caller closes the socket. */
  boolean admit(Channel channel) {
    counters.acceptedSockets.increment();
    if (open.incrementAndGet() > bounds.sockets()) {
      Channel oldest = takeOldest();
      if (oldest == null) {
        open.decrementAndGet();
        counters.refusedSockets.increment();
        return false;
      }
      counters.displacedSockets.increment();
      oldest.close();
    }
    lock.lock();
    try {
      pending.put(channel, System.nanoTime());
    } finally {
      lock.unlock();
    }
    channel
        .closeFuture()
        .addListener(
            f -> {
              open.decrementAndGet();
              answered(channel);
            });
    return true;
  }

  private @Nullable Channel takeOldest() {
    lock.lock();
    try {
      Iterator<Map.Entry<Channel, Long>> all = pending.entrySet().iterator();
      if (!all.hasNext()) {
        return null;
      }
      Map.Entry<Channel, Long> oldest = all.next();
      if (System.nanoTime() - oldest.getValue() < bounds.standstill().toNanos()) {
        return null;
      }
      Channel channel = oldest.getKey();
      all.remove();
      return channel;
    } finally {
      lock.unlock();
    }
  }

  private void answered(Channel channel) {
    lock.lock();
    try {
      pending.remove(channel);
    } finally {
      lock.unlock();
    }
  }

  /** Closes the socket at the deadline, unless the result is called before. */
  Runnable watch(Channel channel) {
    var alarm =
        channel
            .eventLoop()
            .schedule(
                () -> {
                  counters.lateSockets.increment();
                  channel.close();
                },
                bounds.deadline().toMillis(),
                TimeUnit.MILLISECONDS);
    channel.closeFuture().addListener(f -> alarm.cancel(false));
    return () -> alarm.cancel(false);
  }

  /** Closes those whose CONNECT was not answered, while their event loops still run. */
  void closePending() {
    List<Channel> all;
    lock.lock();
    try {
      all = List.copyOf(pending.keySet());
    } finally {
      lock.unlock();
    }
    all.forEach(Channel::close);
    long deadline = System.nanoTime() + CLOSING.toNanos();
    for (Channel channel : all) {
      channel
          .closeFuture()
          .awaitUninterruptibly(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
    }
  }

  int open() {
    return open.get();
  }

  int pending() {
    lock.lock();
    try {
      return pending.size();
    } finally {
      lock.unlock();
    }
  }

  /** The first thing that a broker sends is its CONNACK ([MQTT-3.2.0-1]); after it this is gone. */
  ChannelOutboundHandlerAdapter firstAnswer() {
    return new ChannelOutboundHandlerAdapter() {
      @Override
      public void write(ChannelHandlerContext ctx, Object msg, ChannelPromise promise) {
        ctx.write(msg, promise);
        answered(ctx.channel());
        ctx.pipeline().remove(this);
      }
    };
  }
}
