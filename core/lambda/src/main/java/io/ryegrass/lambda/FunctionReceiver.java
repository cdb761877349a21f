package io.ryegrass.lambda;

import io.ryegrass.nucleus.Message;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.ReservingReceiver;
import org.jspecify.annotations.Nullable;

/** A function as a target of the bus: its pool's queue, whose fullness the sender hears of. */
record FunctionReceiver(FunctionPool pool) implements ReservingReceiver {
  @Override
  public void receive(Message message) {
    if (!pool.offer(Work.message(message.topic(), message.payload()))) {
      throw full();
    }
  }

  private NucleusException full() {
    return new NucleusException(
        "QUEUE_FULL", "The queue of " + pool.arn() + " is full; raise maxQueueSize or send less.");
  }

  @Override
  public @Nullable Reservation reserve(Message message) {
    FunctionPool.Room room = pool.reserve(message.payload().length);
    if (room == null) {
      return null;
    }
    return new Reservation() {
      @Override
      public void commit() {
        room.fill(Work.message(message.topic(), message.payload()));
      }

      @Override
      public void cancel() {
        room.release();
      }
    };
  }

  @Override
  public RuntimeException refusal() {
    return full();
  }
}
