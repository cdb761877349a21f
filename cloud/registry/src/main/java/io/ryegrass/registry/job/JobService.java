package io.ryegrass.registry.job;

import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.registry.DeviceMessages;
import io.ryegrass.registry.DeviceRoute;
import io.ryegrass.registry.DeviceTopicHandler;
import io.ryegrass.registry.Registry;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import java.time.Clock;
import java.util.List;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Makes jobs, moves their executions, and tells devices and listeners. Thread-safe. */
public final class JobService implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(JobService.class);
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final int JOBS_AT_ONCE = 20;
  private static final long AFTER_FAILURE_MILLIS = 5_000;

  private final CloudStore store;
  private final Registry registry;
  private final Clock clock;
  private final JobDocuments documents;
  private final JobNotices notices;
  private final JobLife life;
  private final ExecutionLife executions;
  private final JobWorker worker;
  private final JobDevices devices;

  /** Without S3: documents are given inline, placeholders of URLs stay as they are. */
  public JobService(CloudStore store, Registry registry, DeviceMessages messages, Clock clock) {
    this(store, registry, messages, clock, JobObjects.NONE);
  }

  public JobService(
      CloudStore store,
      Registry registry,
      DeviceMessages messages,
      Clock clock,
      JobObjects objects) {
    this.store = store;
    this.registry = registry;
    this.clock = clock;
    this.documents = new JobDocuments(objects);
    this.worker = new JobWorker(this::runDue, clock);
    JobEvents events = new JobEvents(registry, clock);
    this.notices = new JobNotices(store, messages, documents, events, clock);
    this.life = new JobLife(store, registry, notices, events, clock, worker::wakeAt);
    this.executions = new ExecutionLife(store, life, notices, clock);
    this.devices = new JobDevices(this, registry, messages, clock);
    registry.onGroupMembership(
        (thing, group, joined) ->
            store.write(
                sql -> {
                  life.membershipChanged(sql, thing, group, joined);
                  return null;
                }));
  }

  public static List<Migration> migrations() {
    return JobTables.migrations();
  }

  /**
   * Begins to do what is due by itself: rollouts that take their time, schedules, time-outs. Also
   * goes on with what an earlier process left.
   */
  public void start() {
    worker.start();
  }

  @Override
  public void close() {
    worker.close();
  }

  /**
   * Does all that is due now, as the worker does.
   *
   * @return when there will be more, milliseconds since 1970; {@link Long#MAX_VALUE} for never
   */
  public long runDue() {
    while (!worker.isClosed()) {
      long now = clock.millis();
      boolean worked = executions.timeOutSome();
      for (String jobId : store.read(sql -> JobStore.due(sql, now, JOBS_AT_ONCE))) {
        try {
          store.write(
              sql -> {
                life.step(sql, jobId);
                return null;
              });
          worked = true;
        } catch (RuntimeException e) {
          log.error("Job {} could not go on; it is tried again", jobId, e);
        }
      }
      if (!worked) {
        long next = store.read(JobStore::nextDue);
        return next <= now ? now + AFTER_FAILURE_MILLIS : next;
      }
    }
    return Long.MAX_VALUE;
  }

  /**
   * Makes a job; its things get their executions at the pace of its settings, the first ones at
   * once, and are told when it is on disk.
   *
   * @throws JobException when the id is taken
   */
  public void create(JobSpec spec) {
    ArrayNode targets = JSON.createArrayNode();
    spec.targetThings().forEach(t -> targets.add(registry.thingArn(t)));
    spec.targetGroups().forEach(g -> targets.add(registry.thingGroupArn(g)));
    create(
        spec,
        new JobLife.Description(
            spec.document().toString(), targets.toString(), null, JSON.createObjectNode()));
  }

  void create(JobSpec spec, JobLife.Description description) {
    store.write(
        sql -> {
          life.create(sql, spec, description);
          return null;
        });
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
          JobStore.head(sql, jobId)
              .filter(head -> head.status().isActive())
              .ifPresent(head -> life.cancel(sql, head, inProgressToo, null, null));
          return null;
        });
  }

  public DeviceTopicHandler topics() {
    return devices.topics();
  }

  /** {@code iot-jobs-data} for devices with a certificate. */
  public List<DeviceRoute> routes() {
    return devices.routes();
  }

  /** {@code iot-jobs-data} for signed requests. */
  public ServiceOperations iotJobsData() {
    return devices.operations();
  }

  /** Operations of service {@code iot} about jobs; listed beside {@link Registry#iot()}. */
  public ServiceOperations iotJobs() {
    ServiceOperations.Builder iot = ServiceOperations.of("iot");
    new JobApi(this, registry).serve(iot);
    new JobExecutionApi(this, registry).serve(iot);
    new JobTemplates(this, registry).serve(iot);
    return iot.build();
  }

  public void onExecutionChanged(ExecutionListener listener) {
    notices.onExecutionChanged(listener);
  }

  /**
   * Told the id of each job that is cancelled, by whom and for whatever reason (its abort criteria,
   * CancelJob, {@link #cancel}), inside the transaction that does it and before its executions are.
   */
  public void onCanceled(Consumer<String> listener) {
    notices.onCanceled(listener);
  }

  CloudStore store() {
    return store;
  }

  JobLife life() {
    return life;
  }

  ExecutionLife executions() {
    return executions;
  }

  JobDocuments documents() {
    return documents;
  }

  Clock clock() {
    return clock;
  }

  /** A job's document as a device gets it now. */
  String document(String jobId) {
    return store.read(sql -> JobStore.job(sql, jobId)).map(documents::text).orElse("{}");
  }

  static ObjectNode object() {
    return JSON.createObjectNode();
  }
}
