package io.ryegrass.cloudlink;

import io.ryegrass.durable.DurableFiles;
import io.ryegrass.model.Json;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.DeploymentReporter;
import io.ryegrass.nucleus.DeploymentRequest;
import io.ryegrass.nucleus.DeploymentStatus;
import io.ryegrass.nucleus.NucleusException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Deployment statuses on their way to the cloud: stored in one small file before {@link #report}
 * returns, delivered in order, taken out of the file when the cloud has answered (v2-deployments.md
 * sections 2 and 3). A newer status of the same deployment replaces an IN_PROGRESS that has not
 * gone out yet.
 */
final class DeploymentStatuses implements DeploymentReporter, AutoCloseable {
  private static final int MOST = 64;
  private static final Duration LOOK_AGAIN = Duration.ofSeconds(30);
  private static final Logger LOG = LoggerFactory.getLogger(DeploymentStatuses.class);

  /** Brings one status to the cloud. */
  interface Carrier {
    /**
     * @return false to be asked again later; true when the cloud has it or never will
     * @throws CloudUnavailableException to be asked again when connected
     */
    boolean deliver(DeploymentStatus status) throws InterruptedException;
  }

  private final Path file;
  private final ControlChannel channel;
  private final Map<String, Carrier> carriers;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final List<DeploymentStatus> pending = new ArrayList<>(); // lock
  private @Nullable DeploymentStatus lastShadow; // lock
  private @Nullable DeploymentStatus underWay; // lock
  private boolean closed; // lock
  private final Thread thread;

  DeploymentStatuses(LinkSettings settings, ControlChannel channel, Map<String, Carrier> carriers) {
    this.file = settings.spoolFolder().resolve("deployment-statuses.json");
    this.channel = channel;
    this.carriers = Map.copyOf(carriers);
    load();
    this.thread = Thread.ofVirtual().name("deployment-statuses").unstarted(this::run);
  }

  void start() {
    thread.start();
  }

  @Override
  public void report(DeploymentStatus s) {
    if (!carriers.containsKey(s.origin())) {
      return; // LOCAL: the fleet status tells of it
    }
    lock.lock();
    try {
      if (!pending.isEmpty() && pending.getLast().equals(s)) {
        return;
      }
      pending.removeIf(
          p ->
              p != underWay
                  && p.status().equals("IN_PROGRESS")
                  && p.origin().equals(s.origin())
                  && p.id().equals(s.id()));
      if (pending.size() >= MOST) {
        throw new NucleusException(
            "STATUS_QUEUE_FULL",
            MOST + " deployment statuses wait for the cloud; this one waits in the engine.");
      }
      pending.add(s);
      if (s.origin().equals(DeploymentRequest.SHADOW)) {
        lastShadow = s;
      }
      try {
        store();
      } catch (RuntimeException e) {
        pending.remove(s);
        throw e;
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** The last status of a shadow deployment, if none of its kind waits for delivery. */
  Optional<DeploymentStatus> lastShadowDelivered() {
    lock.lock();
    try {
      boolean waiting = pending.stream().anyMatch(p -> p.origin().equals(DeploymentRequest.SHADOW));
      return waiting ? Optional.empty() : Optional.ofNullable(lastShadow);
    } finally {
      lock.unlock();
    }
  }

  int size() {
    lock.lock();
    try {
      return pending.size();
    } finally {
      lock.unlock();
    }
  }

  private void run() {
    BackOff backOff =
        new BackOff(Duration.ofMillis(250), Duration.ofSeconds(30), RandomGenerator.getDefault());
    try {
      while (true) {
        DeploymentStatus next = take();
        if (next == null) {
          return;
        }
        if (!channel.awaitReady(LOOK_AGAIN)) {
          continue;
        }
        if (deliver(next)) {
          done(next);
          backOff.reset();
        } else {
          Thread.sleep(backOff.next());
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean deliver(DeploymentStatus next) throws InterruptedException {
    Carrier carrier = carriers.get(next.origin());
    try {
      return carrier == null || carrier.deliver(next);
    } catch (CloudUnavailableException e) {
      LOG.debug("Status {} of {} is sent again: {}", next.status(), next.id(), e.getMessage());
      return false;
    }
  }

  private @Nullable DeploymentStatus take() throws InterruptedException {
    lock.lock();
    try {
      while (!closed && pending.isEmpty()) {
        var unused = changed.await(1, TimeUnit.MINUTES);
      }
      underWay = closed ? null : pending.getFirst();
      return underWay;
    } finally {
      lock.unlock();
    }
  }

  private void done(DeploymentStatus status) {
    lock.lock();
    try {
      underWay = null;
      pending.remove(status);
      store();
    } catch (RuntimeException e) {
      // the next process will deliver it a second time, which changes nothing
      LOG.warn("{} could not be written: {}", file, e.getMessage());
    } finally {
      lock.unlock();
    }
  }

  private void store() {
    ObjectNode top = Json.object();
    ArrayNode all = top.putArray("pending");
    pending.forEach(p -> all.add(tree(p)));
    if (lastShadow != null) {
      top.set("lastShadow", tree(lastShadow));
    }
    DurableFiles.writeAtomically(file, Json.bytes(top));
  }

  private static ObjectNode tree(DeploymentStatus s) {
    ObjectNode node =
        Json.object()
            .put("origin", s.origin())
            .put("id", s.id())
            .put("configurationArn", s.configurationArn())
            .put("deploymentId", s.deploymentId())
            .put("status", s.status())
            .put("detailedStatus", s.detailedStatus())
            .put("failureCause", s.failureCause());
    s.errorStack().forEach(node.putArray("errorStack")::add);
    s.errorTypes().forEach(node.putArray("errorTypes")::add);
    return node;
  }

  private static DeploymentStatus status(JsonNode node) {
    return new DeploymentStatus(
        node.path("origin").asString(""),
        node.path("id").asString(""),
        node.path("configurationArn").asString(""),
        textOrNull(node.path("deploymentId")),
        node.path("status").asString(""),
        node.path("detailedStatus").asString(""),
        textOrNull(node.path("failureCause")),
        node.path("errorStack").valueStream().map(JsonNode::asString).toList(),
        node.path("errorTypes").valueStream().map(JsonNode::asString).toList());
  }

  private static @Nullable String textOrNull(JsonNode node) {
    return node.isString() ? node.stringValue() : null;
  }

  private void load() {
    byte[] content = DurableFiles.read(file).orElse(null);
    if (content == null) {
      return;
    }
    try {
      JsonNode top = Json.read(content);
      for (JsonNode p : top.path("pending")) {
        pending.add(status(p));
      }
      if (top.path("lastShadow").isObject()) {
        lastShadow = status(top.path("lastShadow"));
      }
    } catch (JacksonException e) {
      LOG.warn(
          "{} cannot be read ({}); the engine reports its undelivered statuses again",
          file,
          e.getOriginalMessage());
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    thread.interrupt();
    Ending.of(thread);
  }
}
