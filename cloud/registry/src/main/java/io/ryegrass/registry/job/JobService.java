package io.ryegrass.registry.job;

import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.registry.DeviceMessages;
import io.ryegrass.registry.DeviceRoute;
import io.ryegrass.registry.DeviceTopicHandler;
import io.ryegrass.registry.Registry;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import io.ryegrass.store.Sql;
import java.time.Clock;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Makes jobs, moves their executions, and tells devices and listeners. */
public final class JobService {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final int NOTIFY_AT_MOST = 10;

  private final CloudStore store;
  private final Registry registry;
  private final DeviceMessages messages;
  private final Clock clock;
  private final JobDevices devices;
  private final List<ExecutionListener> listeners = new CopyOnWriteArrayList<>();

  public JobService(CloudStore store, Registry registry, DeviceMessages messages, Clock clock) {
    this.store = store;
    this.registry = registry;
    this.messages = messages;
    this.clock = clock;
    this.devices = new JobDevices(this, registry, messages, clock);
    registry.onGroupMembership(this::membershipChanged);
  }

  public static List<Migration> migrations() {
    return JobStore.migrations();
  }

  /**
   * Makes a job and its executions; the devices are told once it is on disk.
   *
   * @throws JobException when the id is taken
   */
  public void create(JobSpec spec) {
    create(spec, null, JSON.createArrayNode());
  }

  void create(JobSpec spec, @Nullable String description, ArrayNode targets) {
    store.write(
        sql -> {
          if (JobStore.job(sql, spec.jobId()).isPresent()) {
            throw new JobException(
                "ResourceAlreadyExists", "Job " + spec.jobId() + " already exists");
          }
          long now = now();
          String group = spec.continuous() ? spec.targetGroups().getFirst() : null;
          JobStore.insert(
              sql,
              new JobStore.Job(
                  spec.jobId(),
                  spec.document().toString(),
                  spec.namespace(),
                  group,
                  targets.toString(),
                  description,
                  "IN_PROGRESS",
                  now,
                  now,
                  null));
          Set<String> things = new LinkedHashSet<>(spec.targetThings());
          spec.targetGroups().forEach(g -> things.addAll(registry.membersOf(g)));
          long sequence = JobStore.nextSequence(sql);
          for (String thing : things) {
            queue(sql, spec.jobId(), thing, spec.namespace(), now, sequence++);
          }
          return null;
        });
  }

  /**
   * Listeners have their part in the transaction that makes the executions: with one of their own
   * for each, a job of ten thousand things would wait for the disk ten thousand times.
   */
  private void queue(
      Sql sql, String jobId, String thing, @Nullable String namespace, long now, long sequence) {
    if (JobStore.insertExecution(sql, jobId, thing, now, sequence)) {
      listeners.forEach(l -> l.changed(jobId, thing, ExecutionStatus.QUEUED, Map.of()));
      store.afterCommit(() -> notifyPending(thing, namespace));
    }
  }

  /**
   * Cancels a job: its queued executions end as CANCELED, those in progress as well, and the
   * devices get a notification without them. A job that is over stays as it is.
   */
  public void cancel(String jobId) {
    cancel(jobId, true);
  }

  /** As the other one; executions in progress may be let finish. */
  public void cancel(String jobId, boolean inProgressToo) {
    store.write(
        sql -> {
          Optional<JobStore.Job> job = JobStore.job(sql, jobId);
          if (job.isEmpty() || !job.get().status().equals("IN_PROGRESS")) {
            return null;
          }
          for (Execution execution : JobStore.executionsOf(sql, jobId)) {
            boolean open =
                execution.status() == ExecutionStatus.QUEUED
                    || (inProgressToo && execution.status() == ExecutionStatus.IN_PROGRESS);
            if (open) {
              end(sql, execution, ExecutionStatus.CANCELED);
            }
          }
          JobStore.setStatus(sql, jobId, "CANCELED", now());
          return null;
        });
  }

  private void end(Sql sql, Execution execution, ExecutionStatus status) {
    JobStore.update(sql, execution, status, execution.details().toString(), now());
    changed(
        sql,
        execution.jobId(),
        execution.thing(),
        status,
        execution.statusDetails(),
        execution.namespace());
  }

  /** A device's word on its execution. */
  Execution update(
      String thing,
      String jobId,
      ExecutionStatus status,
      @Nullable ObjectNode details,
      @Nullable Long expectedVersion) {
    return store.write(
        sql -> {
          Execution before = find(sql, jobId, thing);
          if (expectedVersion != null && expectedVersion != before.versionNumber()) {
            throw new JobException(
                "VersionMismatch",
                "Execution of job "
                    + jobId
                    + " has version "
                    + before.versionNumber()
                    + ", not "
                    + expectedVersion,
                before.state());
          }
          if (!before.status().isOpen() && before.status() == status) {
            // Said again by a device that never saw the answer, perhaps because this cloud died
            // between the commit and its listeners: they are told now.
            store.afterCommit(() -> tell(before));
            return before;
          }
          if (!before.status().mayBecome(status)) {
            throw new JobException(
                before.status().isOpen() ? "InvalidStateTransition" : "TerminalStateReached",
                "Execution of job "
                    + jobId
                    + " is "
                    + before.status()
                    + " and cannot become "
                    + status,
                before.state());
          }
          JobStore.update(
              sql,
              before,
              status,
              (details == null ? before.details() : details).toString(),
              now());
          Execution after = find(sql, jobId, thing);
          boolean pendingChanged = before.status() != status;
          store.afterCommit(() -> tell(after));
          if (pendingChanged) {
            store.afterCommit(() -> notifyPending(thing, after.namespace()));
          }
          completeWhenDone(sql, jobId);
          return after;
        });
  }

  private void tell(Execution execution) {
    listeners.forEach(
        l ->
            l.changed(
                execution.jobId(),
                execution.thing(),
                execution.status(),
                execution.statusDetails()));
  }

  private void completeWhenDone(Sql sql, String jobId) {
    JobStore.Job job = JobStore.job(sql, jobId).orElseThrow();
    if (job.group() == null
        && job.status().equals("IN_PROGRESS")
        && JobStore.executionsOf(sql, jobId).stream().noneMatch(e -> e.status().isOpen())) {
      JobStore.setStatus(sql, jobId, "COMPLETED", now());
    }
  }

  private static Execution find(Sql sql, String jobId, String thing) {
    return JobStore.execution(sql, jobId, thing)
        .orElseThrow(
            () ->
                new JobException(
                    "ResourceNotFound", "Thing " + thing + " has no execution of job " + jobId));
  }

  /** The first pending execution for {@code $next}, or a named one. */
  Optional<Execution> describe(String thing, String jobId, @Nullable String namespace) {
    if (jobId.equals("$next")) {
      return pending(thing, namespace).stream().findFirst();
    }
    return Optional.of(store.read(sql -> find(sql, jobId, thing)));
  }

  List<Execution> pending(String thing, @Nullable String namespace) {
    return store.read(sql -> JobStore.pending(sql, thing, namespace));
  }

  CloudStore store() {
    return store;
  }

  private void membershipChanged(String thing, String group, boolean joined) {
    store.write(
        sql -> {
          List<JobStore.Job> jobs =
              JobStore.jobs(
                  sql, "WHERE thing_group = ? AND status = 'IN_PROGRESS' ORDER BY created", group);
          for (JobStore.Job job : jobs) {
            Optional<Execution> known = JobStore.execution(sql, job.jobId(), thing);
            if (joined && known.isEmpty()) {
              queue(sql, job.jobId(), thing, job.namespace(), now(), JobStore.nextSequence(sql));
            } else if (!joined && known.isPresent() && known.get().status().isOpen()) {
              end(sql, known.get(), ExecutionStatus.REMOVED);
            }
          }
          return null;
        });
  }

  private void changed(
      Sql sql,
      String jobId,
      String thing,
      ExecutionStatus status,
      Map<String, String> details,
      @Nullable String namespace) {
    store.afterCommit(
        () -> {
          listeners.forEach(l -> l.changed(jobId, thing, status, details));
          notifyPending(thing, namespace);
        });
  }

  /** What is pending now: {@code jobs: {}} tells the device that nothing is left. */
  private void notifyPending(String thing, @Nullable String namespace) {
    List<Execution> pending = pending(thing, namespace);
    ObjectNode message = JSON.createObjectNode().put("timestamp", now());
    ObjectNode jobs = message.putObject("jobs");
    pending.stream()
        .limit(NOTIFY_AT_MOST)
        .forEach(e -> jobs.withArray("/" + e.status().name()).add(e.summary()));
    publish(JobTopics.notify(thing, namespace), message);
    ObjectNode next = JSON.createObjectNode().put("timestamp", now());
    next.set(
        "execution", pending.isEmpty() ? JSON.createObjectNode() : pending.getFirst().full(true));
    publish(JobTopics.notifyNext(thing, namespace), next);
  }

  private void publish(String topic, JsonNode message) {
    messages.publish(topic, JSON.writeValueAsBytes(message), 1);
  }

  public DeviceTopicHandler topics() {
    return devices.topics();
  }

  public List<DeviceRoute> routes() {
    return devices.routes();
  }

  /** Operations of service {@code iot} about jobs; listed beside {@link Registry#iot()}. */
  public ServiceOperations iotJobs() {
    return new JobApi(this, registry).operations();
  }

  public void onExecutionChanged(ExecutionListener listener) {
    listeners.add(listener);
  }

  long now() {
    return clock.instant().getEpochSecond();
  }
}
