package io.ryegrass.devicegateway;

import java.time.Duration;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Drops the MQTT connections of certificates that are not active any more. It asks the registry in
 * turns rather than being told, so that it also holds when another process or node changed it.
 */
final class CertificateWatch implements AutoCloseable {

  static final Duration PERIOD = Duration.ofSeconds(1);

  private static final Logger LOG = LoggerFactory.getLogger(CertificateWatch.class);

  private final Thread thread;

  CertificateWatch(MqttDoor door, Consumer<String> disconnect) {
    this.thread = Thread.ofVirtual().name("certificate-watch").start(() -> run(door, disconnect));
  }

  private static void run(MqttDoor door, Consumer<String> disconnect) {
    while (!Thread.currentThread().isInterrupted()) {
      try {
        Thread.sleep(PERIOD);
        for (String clientId : door.recheck()) {
          LOG.info("device {} is disconnected: its certificate is not ACTIVE any more", clientId);
          disconnect.accept(clientId);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (RuntimeException e) {
        LOG.warn("certificates of connected devices could not be checked, will try again", e);
      }
    }
  }

  @Override
  public void close() {
    thread.interrupt();
  }
}
