package io.ryegrass.mqtt.program;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks at files every few seconds and reads them anew when they have changed. Looking, not
 * notification: it works on every file system and through the symbolic links by which secrets are
 * exchanged.
 */
final class FileWatch implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(FileWatch.class);

  private final List<Path> files;
  private final Runnable reload;
  private final Duration pause;
  private final AtomicBoolean asked = new AtomicBoolean();
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Thread thread;

  /**
   * @param reload throws {@link UsageException} when the files do not fit; what is in use then
   *     stays
   */
  FileWatch(List<Path> files, Duration pause, Runnable reload) {
    this.files = List.copyOf(files);
    this.pause = pause;
    this.reload = reload;
    String now = state();
    this.thread = Thread.ofVirtual().name("mqtt-files").start(() -> run(now));
  }

  /** Reads at the next look, changed or not. */
  void ask() {
    asked.set(true);
  }

  private void run(String initial) {
    String known = initial;
    try {
      while (!closed.await(pause.toMillis(), TimeUnit.MILLISECONDS)) {
        String now = state();
        if (asked.getAndSet(false) || !now.equals(known)) {
          known = now;
          read();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void read() {
    try {
      reload.run();
      LOG.info("Read anew: {}; connections stay as they are", files);
    } catch (UsageException e) {
      LOG.warn("{} What was read before stays in use.", e.getMessage());
    } catch (RuntimeException e) {
      LOG.warn("Reading {} failed; what was read before stays in use", files, e);
    }
  }

  private String state() {
    StringBuilder state = new StringBuilder();
    for (Path file : files) {
      try {
        state
            .append(Files.getLastModifiedTime(file))
            .append(' ')
            .append(Files.size(file))
            .append(' ')
            .append(file.toRealPath())
            .append('\n');
      } catch (IOException e) {
        state.append("missing\n");
      }
    }
    return state.toString();
  }

  @Override
  public void close() {
    closed.countDown();
    try {
      thread.join(Duration.ofSeconds(2));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
