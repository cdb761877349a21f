package io.ryegrass.devicegateway;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Drops the MQTT connections of certificates that are not active any more and of credentials that
 * are gone or expired. Devices are looked at within {@link #PERIOD} of a change of the registry,
 * and every {@link #ALL} for the dates of their certificates; callers of IAM in every period. What
 * is sent meanwhile is refused at once, because decisions are forgotten with each change.
 */
final class ConnectionWatch implements AutoCloseable {

  static final Duration PERIOD = Duration.ofSeconds(1);
  private static final int ALL = 60;

  private static final Logger LOG = LoggerFactory.getLogger(ConnectionWatch.class);

  private final AtomicBoolean changed = new AtomicBoolean();
  private final Thread thread;

  /**
   * @param disconnect is given the client id and the reason
   */
  ConnectionWatch(MqttDoor door, BiConsumer<String, String> disconnect) {
    this.thread = Thread.ofVirtual().name("connection-watch").start(() -> run(door, disconnect));
  }

  /** Something in the registry is not as it was. */
  void registryChanged() {
    changed.set(true);
  }

  private void run(MqttDoor door, BiConsumer<String, String> disconnect) {
    for (int turn = 1; !Thread.currentThread().isInterrupted(); turn++) {
      try {
        Thread.sleep(PERIOD);
        boolean devices = changed.getAndSet(false) || turn % ALL == 0;
        for (Map.Entry<String, String> gone : door.recheck(devices).entrySet()) {
          LOG.info("{} is disconnected: {}", gone.getKey(), gone.getValue());
          disconnect.accept(gone.getKey(), gone.getValue());
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (RuntimeException e) {
        changed.set(true);
        LOG.warn("identities of connected clients could not be checked, will try again", e);
      }
    }
  }

  @Override
  public void close() {
    thread.interrupt();
  }
}
