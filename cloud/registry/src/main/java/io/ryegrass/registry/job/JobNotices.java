package io.ryegrass.registry.job;

import io.ryegrass.registry.DeviceMessages;
import io.ryegrass.store.CloudStore;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Tells listeners, events and devices of changed executions.
 *
 * <p>A device gets {@code notify} when an execution came, started or ended, with at most ten of
 * what is pending; and {@code notify-next} only when another execution became the first one
 * (developer guide, "Jobs notifications"; "NextJobExecutionChanged"). What is pending is read after
 * the commit, once for each device of a batch; whether the first one changed follows from that list
 * and from what the change was.
 */
final class JobNotices {
  private static final Logger log = LoggerFactory.getLogger(JobNotices.class);
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final int AT_MOST = 10;

  private final CloudStore store;
  private final DeviceMessages messages;
  private final JobDocuments documents;
  private final JobEvents events;
  private final Clock clock;
  private final List<ExecutionListener> listeners = new CopyOnWriteArrayList<>();
  private final List<Consumer<String>> cancellations = new CopyOnWriteArrayList<>();

  JobNotices(
      CloudStore store,
      DeviceMessages messages,
      JobDocuments documents,
      JobEvents events,
      Clock clock) {
    this.store = store;
    this.messages = messages;
    this.documents = documents;
    this.events = events;
    this.clock = clock;
  }

  /**
   * A change of an execution.
   *
   * @param before null: it is new
   * @param after null: it was deleted
   */
  record Change(@Nullable Execution before, @Nullable Execution after) {
    Execution any() {
      return java.util.Objects.requireNonNull(after == null ? before : after);
    }

    private boolean was(ExecutionStatus status) {
      return before != null && before.status() == status;
    }

    private boolean is(ExecutionStatus status) {
      return after != null && after.status() == status;
    }

    /** Whether the list of pending executions is another one. */
    boolean isSeenByDevice() {
      boolean wasOpen = before != null && before.status().isOpen();
      boolean isOpen = after != null && after.status().isOpen();
      return wasOpen != isOpen
          || (before != null && after != null && before.status() != after.status());
    }

    /**
     * Whether it made another execution the first one.
     *
     * @param pending the executions pending now, in their order
     */
    boolean makesNext(List<Execution> pending) {
      long mine = any().sequence();
      boolean otherRuns =
          pending.stream()
              .anyMatch(e -> e.status() == ExecutionStatus.IN_PROGRESS && e.sequence() != mine);
      boolean earlierRuns =
          pending.stream()
              .anyMatch(e -> e.status() == ExecutionStatus.IN_PROGRESS && e.sequence() < mine);
      boolean earlierWaits =
          pending.stream()
              .anyMatch(e -> e.status() == ExecutionStatus.QUEUED && e.sequence() < mine);
      if (is(ExecutionStatus.QUEUED)) {
        return !otherRuns && !earlierWaits;
      }
      if (is(ExecutionStatus.IN_PROGRESS)) {
        return !earlierRuns && (otherRuns || earlierWaits);
      }
      return was(ExecutionStatus.IN_PROGRESS) ? !earlierRuns : !otherRuns && !earlierWaits;
    }
  }

  void onCanceled(Consumer<String> listener) {
    cancellations.add(listener);
  }

  /** In the transaction that cancels the job. */
  void jobCanceled(String jobId) {
    cancellations.forEach(c -> c.accept(jobId));
  }

  void onExecutionChanged(ExecutionListener listener) {
    listeners.add(listener);
  }

  /** To be called inside the transaction of the change. */
  void changed(Change change) {
    changed(List.of(change));
  }

  /** To be called inside the transaction of the changes. */
  void changed(List<Change> changes) {
    for (Change change : changes) {
      Execution after = change.after();
      if (after == null) {
        Execution gone = change.any();
        if (gone.status().isOpen()) {
          tell(gone, ExecutionStatus.CANCELED);
        }
        events.execution(gone.jobId(), gone.thing(), null);
      } else {
        tell(after, after.status());
        if (!after.status().isOpen()) {
          events.execution(after.jobId(), after.thing(), after);
        }
      }
    }
    Map<List<String>, List<Change>> byDevice = new LinkedHashMap<>();
    for (Change change : changes) {
      if (change.isSeenByDevice()) {
        byDevice
            .computeIfAbsent(
                List.of(change.any().thing(), change.any().namespace()), k -> new ArrayList<>())
            .add(change);
      }
    }
    if (!byDevice.isEmpty()) {
      store.afterCommit(() -> notifyDevices(byDevice));
    }
  }

  /** Tells the listeners again, of a device that says its end again. */
  void tell(Execution execution) {
    tell(execution, execution.status());
  }

  private void tell(Execution execution, ExecutionStatus status) {
    for (ExecutionListener listener : listeners) {
      try {
        store.write(
            sql -> {
              listener.changed(
                  execution.jobId(), execution.thing(), status, execution.statusDetails());
              return null;
            });
      } catch (RuntimeException e) {
        log.error(
            "A listener failed on execution of job {} on {}",
            execution.jobId(),
            execution.thing(),
            e);
      }
    }
  }

  private void notifyDevices(Map<List<String>, List<Change>> byDevice) {
    JobDocuments.Batch batch = documents.new Batch();
    Map<String, Optional<JobStore.Job>> jobs = new LinkedHashMap<>();
    byDevice.forEach(
        (device, changes) -> {
          String thing = device.getFirst();
          String namespace = device.getLast();
          List<Execution> pending =
              store.read(sql -> ExecutionStore.pending(sql, thing, namespace, AT_MOST));
          ObjectNode message = JSON.createObjectNode().put("timestamp", now());
          ObjectNode byStatus = message.putObject("jobs");
          pending.forEach(e -> byStatus.withArray("/" + e.status().name()).add(e.summary()));
          publish(JobTopics.notify(thing, namespace), message);
          if (changes.stream().anyMatch(c -> c.makesNext(pending))) {
            publish(JobTopics.notifyNext(thing, namespace), next(pending, jobs, batch));
          }
        });
  }

  private ObjectNode next(
      List<Execution> pending, Map<String, Optional<JobStore.Job>> jobs, JobDocuments.Batch batch) {
    ObjectNode message = JSON.createObjectNode().put("timestamp", now());
    if (!pending.isEmpty()) {
      Execution first = pending.getFirst();
      ObjectNode execution = first.full(clock.millis());
      jobs.computeIfAbsent(first.jobId(), id -> store.read(sql -> JobStore.job(sql, id)))
          .ifPresent(job -> execution.set("jobDocument", batch.of(job)));
      message.set("execution", execution);
    }
    return message;
  }

  private void publish(String topic, JsonNode message) {
    messages.publish(topic, JSON.writeValueAsBytes(message), 1);
  }

  private long now() {
    return clock.instant().getEpochSecond();
  }
}
