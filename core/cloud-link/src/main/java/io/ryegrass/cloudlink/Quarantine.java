package io.ryegrass.cloudlink;

import io.ryegrass.durable.SegmentedLog;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Messages that the cloud does not take, set aside in {@code spool/quarantine} so that the others
 * go on (LESSON-07). Bounded; when it is full, a message is only counted. For one thread, except
 * the counter.
 */
final class Quarantine {
  private static final long BYTES = 4L << 20;
  private static final Logger LOG = LoggerFactory.getLogger(Quarantine.class);

  private final Path folder;
  private volatile long count;

  Quarantine(Path folder) {
    this.folder = folder;
  }

  /**
   * @param reason end of a sentence
   */
  void add(byte[] record, String topic, String reason) {
    try (SegmentedLog log = SegmentedLog.open(folder, new SegmentedLog.Options(1 << 20, BYTES))) {
      log.append(record);
      log.sync();
    } catch (RuntimeException e) {
      LOG.warn("A refused message could not be kept in {}: {}", folder, e.toString());
    }
    count++;
    LOG.warn(
        "A message on topic '{}' is set aside in spool/quarantine: {}. Allow iot:Publish on the topic"
            + " in the core's policy",
        topic,
        reason);
  }

  /** Messages that were set aside since the process started. */
  long count() {
    return count;
  }
}
