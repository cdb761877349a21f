package io.ryegrass.logs;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.identity.CallResource;
import io.ryegrass.identity.CallResources;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/** CloudWatch Logs. Safe for any number of threads. */
public final class LogsService implements CallResources, AutoCloseable {
  /** Bound of all events: 2 GiB by AWS's count, about twice that on the disk. */
  public static final long DEFAULT_MAX_BYTES = 2L << 30;

  private static final Logger LOG = LoggerFactory.getLogger(LogsService.class);
  private static final String PREFIX = "logs:";
  private static final Duration SWEEP_EVERY = Duration.ofMinutes(1);
  private static final long STOP_SECONDS = 10;

  private final LogGroups groups;
  private final LogStreams streams;
  private final LogWriter writer;
  private final LogReader reader;
  private final Sweeper sweeper;
  private final String arns;
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("logs-sweeper").factory());

  /**
   * @param store migrated with {@link #migrations()}; one of its own, so that logs do not wait for
   *     the control plane and it does not wait for logs
   * @param maxBytes bound of all events; at the bound the oldest ones go
   */
  public LogsService(CloudStore store, String region, String account, Clock clock, long maxBytes) {
    this.arns = "arn:aws:logs:" + region + ":" + account + ":log-group:";
    this.sweeper = new Sweeper(store, clock, maxBytes);
    this.groups = new LogGroups(store, arns, clock);
    this.streams = new LogStreams(store, groups, arns, clock);
    this.writer = new LogWriter(store, sweeper, clock);
    this.reader = new LogReader(store, groups, clock);
  }

  /** Schema of this module. */
  public static List<Migration> migrations() {
    return LogTables.MIGRATIONS;
  }

  /** Begins to sweep, every minute. */
  public void start() {
    timer.scheduleWithFixedDelay(this::sweepOnce, 1, SWEEP_EVERY.toSeconds(), TimeUnit.SECONDS);
  }

  private void sweepOnce() {
    try {
      sweeper.sweep();
    } catch (RuntimeException e) {
      LOG.warn("Sweeping the log store failed; the next try comes in {}", SWEEP_EVERY, e);
    }
  }

  /** Deletes expired events now. */
  void sweep() {
    sweeper.sweep();
  }

  /** Events that were deleted since the start because the store was at its bound. */
  public long dropped() {
    return sweeper.dropped();
  }

  /** The operations of service {@code logs}. */
  public ServiceOperations logs() {
    return ServiceOperations.of("logs")
        .json("CreateLogGroup", groups::create)
        .json("DeleteLogGroup", groups::delete)
        .json("DescribeLogGroups", groups::describe)
        .json("PutRetentionPolicy", groups::putRetention)
        .json("DeleteRetentionPolicy", groups::deleteRetention)
        .json("TagResource", groups::tag)
        .json("UntagResource", groups::untag)
        .json("ListTagsForResource", groups::tags)
        .json("TagLogGroup", groups::tag)
        .json("UntagLogGroup", groups::untag)
        .json("ListTagsLogGroup", groups::tags)
        .json("CreateLogStream", streams::create)
        .json("DeleteLogStream", streams::delete)
        .json("DescribeLogStreams", streams::describe)
        .json("PutLogEvents", writer::put)
        .json("GetLogEvents", reader::get)
        .json("FilterLogEvents", reader::filter)
        .json("TestMetricFilter", (c, in) -> FilterPattern.test(in))
        .build();
  }

  /**
   * The group or stream of a request. Policies in the wild name a group as {@code log-group:NAME},
   * {@code log-group:NAME:*} or {@code log-group:NAME:log-stream:…}; all of them are understood.
   */
  @Override
  public Optional<CallResource> find(CallContext call, String action, ObjectNode input) {
    if (!action.startsWith(PREFIX)) {
      return Optional.empty();
    }
    String group =
        input
            .path("logGroupName")
            .asString(
                input.path("logGroupIdentifier").asString(input.path("resourceArn").asString("")));
    if (group.isEmpty()) {
      return Optional.of(CallResource.named(arns + ":log-stream:", "*"));
    }
    String arn = group.startsWith("arn:") ? group : arns + group;
    String stream = input.path("logStreamName").asString("");
    return Optional.of(CallResource.named(arn + ":log-stream:" + stream, arn));
  }

  @Override
  public void close() {
    timer.shutdown();
    try {
      if (!timer.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
        timer.shutdownNow();
      }
    } catch (InterruptedException e) {
      timer.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }
}
