package io.ryegrass.groups;

import io.ryegrass.groups.CompiledGroup.PrivateComponent;
import io.ryegrass.groups.DeploymentStore.Deployment;
import io.ryegrass.groups.DeploymentStore.Status;
import io.ryegrass.groups.DeploymentStore.Type;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/**
 * Takes deployments from Building to InProgress, one after the other on a thread of its own, and to
 * their end when the core reports. The queue is the table, so nothing is forgotten when the process
 * dies: what was Building is built anew, and for what was InProgress the core's side is asked once,
 * as its report may have been committed there without being told here.
 */
final class DeploymentBuilder implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(DeploymentBuilder.class);
  private static final int BATCH = 20;
  private static final Duration IDLE = Duration.ofHours(1);
  private static final Duration RETRY = Duration.ofSeconds(5);

  /** QUO-02. */
  static final int MAX_GROUPS_OF_A_DEVICE = 10;

  private final DeploymentStore deployments;
  private final ContentsReader contents;
  private final GroupSurroundings surroundings;
  private final CoreDeployments cores;
  private final Semaphore work = new Semaphore(1);
  private final ReentrantLock built = new ReentrantLock();
  private final Condition somethingBuilt = built.newCondition();
  private volatile boolean closing;
  private boolean reconciled; // builder's thread
  private volatile @Nullable Thread thread;

  DeploymentBuilder(
      DeploymentStore deployments,
      ContentsReader contents,
      GroupSurroundings surroundings,
      CoreDeployments cores) {
    this.deployments = deployments;
    this.contents = contents;
    this.surroundings = surroundings;
    this.cores = cores;
    cores.onChanged(this::changed);
  }

  void start() {
    thread = Thread.ofVirtual().name("group-deployments").start(this::run);
  }

  /** There is something to build. */
  void wake() {
    work.release();
  }

  /**
   * Waits until a deployment is Building no more, at most as long as {@code patience}; not at all
   * when nobody builds.
   */
  void awaitBuilt(String id, Duration patience) {
    long end = System.nanoTime() + patience.toNanos();
    built.lock();
    try {
      while (thread != null
          && !closing
          && deployments.find(id).filter(d -> d.status() == Status.Building).isPresent()) {
        long left = end - System.nanoTime();
        if (left <= 0 || somethingBuilt.awaitNanos(left) <= 0) {
          return;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      built.unlock();
    }
  }

  private void signalBuilt() {
    built.lock();
    try {
      somethingBuilt.signalAll();
    } finally {
      built.unlock();
    }
  }

  private void run() {
    try {
      boolean done = false;
      while (!closing) {
        boolean woken =
            work.tryAcquire(done ? IDLE.toSeconds() : RETRY.toSeconds(), TimeUnit.SECONDS);
        if (woken || !done) {
          work.drainPermits();
          done = attempt();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean attempt() {
    try {
      if (!reconciled) {
        reconcile();
        reconciled = true;
      }
      buildAll();
      return true;
    } catch (RuntimeException e) {
      if (!closing) {
        log.warn("deployments of groups wait, tried again in {} s", RETRY.toSeconds(), e);
      }
      return false;
    }
  }

  /** Takes up what the core's side committed while nobody here was listening. */
  private void reconcile() {
    long after = 0;
    List<Deployment> open;
    do {
      open = deployments.inProgress(after, BATCH);
      for (Deployment deployment : open) {
        after = deployment.seq();
        if (deployment.type() == Type.ForceResetDeployment) {
          deployments.end(deployment.id(), true, null);
          continue;
        }
        Optional<CoreDeployments.Standing> standing = cores.standing(deployment.id());
        if (standing.isPresent()) {
          changed(deployment.id(), standing.get().status(), standing.get().statusDetails());
        } else {
          fail(deployment, "the core's record of it is gone; deploy the group again");
        }
      }
    } while (open.size() == BATCH && !closing);
  }

  private void buildAll() {
    List<Deployment> waiting;
    do {
      waiting = deployments.building(BATCH);
      for (Deployment deployment : waiting) {
        if (closing) {
          return;
        }
        build(deployment);
        signalBuilt();
      }
    } while (waiting.size() == BATCH);
  }

  private void build(Deployment deployment) {
    try {
      if (deployment.type().reset()) {
        reset(deployment);
      } else {
        deploy(deployment);
      }
      log.info("group {}: deployment {} is on its way", deployment.groupId(), deployment.id());
    } catch (RuntimeException e) {
      if (closing) {
        return; // the next start takes it up again
      }
      if (!(e instanceof GroupCompilationException)) {
        log.warn("group {}: building {} failed", deployment.groupId(), deployment.id(), e);
      }
      fail(deployment, String.valueOf(e.getMessage()));
    }
  }

  private void deploy(Deployment deployment) {
    String version = deployment.groupVersion();
    CompiledGroup compiled =
        GroupCompiler.compile(
            contents.read(deployment.groupId(), version == null ? "" : version), surroundings);
    if (!compiled.missing().isEmpty()) {
      throw new GroupCompilationException(String.join(" ", compiled.missing()));
    }
    for (String device : compiled.devices()) {
      long others =
          deployments.groupsOf(device).stream()
              .filter(membership -> !membership.groupId().equals(deployment.groupId()))
              .count();
      if (others >= MAX_GROUPS_OF_A_DEVICE) {
        throw new GroupCompilationException(
            "Device is a member of too many groups, devices may not be in more than 10 groups: "
                + device);
      }
    }
    for (PrivateComponent component : compiled.privateComponents()) {
      cores.putComponent(
          component.recipe(), Map.of(component.fileName(), component.content().get()));
    }
    deployments.sent(
        deployment,
        compiled.coreThingName(),
        compiled.devices(),
        () ->
            cores.deploy(
                deployment.id(),
                deployment.groupId(),
                compiled.coreThingName(),
                compiled.components()));
  }

  /**
   * A reset by force has done its work when the cloud forgot; the core follows when it next
   * connects.
   */
  private void reset(Deployment deployment) {
    String core = deployment.core();
    if (core == null) {
      deployments.end(deployment.id(), true, null);
      return;
    }
    deployments.sent(
        deployment,
        core,
        List.of(),
        () -> cores.deploy(deployment.id(), deployment.groupId(), core, Map.of()));
    if (deployment.type() == Type.ForceResetDeployment) {
      deployments.end(deployment.id(), true, null);
    }
  }

  private void changed(String id, String status, JsonNode details) {
    deployments
        .find(id)
        .ifPresent(
            deployment -> {
              switch (status) {
                case "SUCCEEDED" -> {
                  deployments.end(id, true, null, this::forgetIfReset);
                  log.info("group {}: deployment {} succeeded", deployment.groupId(), id);
                }
                case "FAILED", "REJECTED", "CANCELED", "TIMED_OUT" -> {
                  String cause = details.path("failureCause").asString("");
                  fail(deployment, cause.isEmpty() ? "the core reports " + status : cause);
                }
                default -> log.debug("deployment {}: {}", id, status);
              }
            });
  }

  private void forgetIfReset(Deployment ended) {
    String core = ended.core();
    if (ended.type().reset() && core != null) {
      cores.forget(ended.groupId(), core);
    }
  }

  private void fail(Deployment deployment, String cause) {
    String message =
        "Deployment "
            + deployment.id()
            + " of type "
            + deployment.type()
            + " for group "
            + deployment.groupId()
            + " failed error: "
            + cause;
    log.info("{}", message);
    deployments.end(deployment.id(), false, message);
  }

  @Override
  public void close() {
    closing = true;
    wake();
    Thread running = thread;
    if (running != null) {
      try {
        running.join(Duration.ofSeconds(10));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
