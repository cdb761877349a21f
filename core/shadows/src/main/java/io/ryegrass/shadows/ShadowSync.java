package io.ryegrass.shadows;

import io.ryegrass.model.Json;
import io.ryegrass.model.shadow.ShadowException;
import io.ryegrass.nucleus.CloudMessage;
import io.ryegrass.nucleus.CloudMessaging;
import io.ryegrass.nucleus.CloudMessagingException;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.shadows.Reconciler.CloudChange;
import io.ryegrass.shadows.ShadowSettings.Sync;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Keeps shadows here and in the cloud equal (SHM-12; V1's GGShadowSyncManager): follows changes on
 * both sides, looks at everything when the configuration changed and when the connection has come
 * back, and hands one shadow after the other to the {@link Reconciler}.
 *
 * <p>What waits is one entry for each shadow at most, so the queue is as long as the configuration.
 * While the cloud cannot be reached everything stays in it; the pauses between attempts grow to a
 * minute and are jittered. Threads exist only while something is to be synchronized.
 */
final class ShadowSync implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ShadowSync.class);
  private static final int WORKERS = 2;

  /** Changes remembered for one shadow; after more the cloud is asked instead. */
  private static final int CHANGES = 16;

  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(60);
  private static final Duration REFUSED_PAUSE = Duration.ofMinutes(5);
  private static final Duration CONTENDED_PAUSE = Duration.ofSeconds(1);

  /** Pauses, which a test shortens. */
  record Times(Duration firstPause, Duration secondLook, Duration connectionLook) {
    /**
     * The second look after new subscriptions covers what changed before the cloud had them. The
     * first pause is that of the catalogue.
     */
    static final Times USUAL =
        new Times(Duration.ofSeconds(3), Duration.ofSeconds(10), Duration.ofSeconds(1));
  }

  /** What is to be done for one shadow. */
  private static final class Pending {
    boolean look;
    long due;
    final List<CloudChange> changes = new ArrayList<>();
  }

  private final CloudMessaging messaging;
  private final Reconciler reconciler;
  private final Times times;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition work = lock.newCondition();
  private final Map<ShadowKey, List<AutoCloseable>> followed = new HashMap<>(); // lock
  private final Map<ShadowKey, Pending> pending = new LinkedHashMap<>(); // lock
  private final Set<ShadowKey> inWork = new HashSet<>(); // lock
  private final Set<ShadowKey> complained = new HashSet<>(); // lock
  private final List<Thread> threads = new ArrayList<>(); // lock
  private Sync settings = Sync.NONE; // lock
  private long nextTick; // lock; of a periodic strategy
  private long secondLook; // lock; 0: none
  private long pauseUntil; // lock
  private Duration pause; // lock
  private boolean away; // lock
  private long nextSlot; // lock

  ShadowSync(
      LocalShadows local, Path folder, ShadowCloud https, CloudMessaging messaging, Times times) {
    this.messaging = messaging;
    this.times = times;
    this.pause = times.firstPause();
    this.reconciler =
        new Reconciler(local, new SyncRecords(folder), new CloudShadows(https), this::pace);
    this.pauseUntil = System.nanoTime();
    this.nextSlot = pauseUntil;
  }

  /** From now on with these; the shadows that are new in them are looked at. */
  void configure(Sync next) {
    lock.lock();
    try {
      boolean other = !next.equals(settings);
      boolean subscribes = next.direction().toDevice();
      boolean turned = subscribes != settings.direction().toDevice();
      for (ShadowKey gone : Set.copyOf(followed.keySet())) {
        if (turned || !next.shadows().contains(gone)) {
          unfollow(gone);
          pending.remove(gone);
        }
      }
      for (ShadowKey key : next.shadows()) {
        if (!followed.containsKey(key)) {
          followed.put(key, subscribes ? follow(key) : List.of());
        }
      }
      settings = next;
      if (!other) {
        return;
      }
      complained.clear();
      Duration period = next.period();
      nextTick = System.nanoTime() + (period == null ? 0 : period.toNanos());
      secondLook = System.nanoTime() + times.secondLook().toNanos();
      lookAtAll();
      if (next.shadows().isEmpty()) {
        end();
      } else if (threads.isEmpty()) {
        begin();
      }
      work.signalAll();
      LOG.info(
          "{} shadows are synchronized with the cloud{}",
          next.shadows().size(),
          next.shadows().isEmpty() ? "" : " (" + next.direction() + ")");
    } finally {
      lock.unlock();
    }
  }

  private void begin() {
    for (int i = 0; i < WORKERS; i++) {
      threads.add(Thread.ofVirtual().name("shadow-sync-" + i).start(this::run));
    }
    threads.add(Thread.ofVirtual().name("shadow-sync-link").start(this::watch));
  }

  private void end() {
    threads.forEach(Thread::interrupt);
    threads.clear();
  }

  private List<AutoCloseable> follow(ShadowKey key) {
    List<AutoCloseable> open = new ArrayList<>();
    try {
      open.add(
          messaging.subscribe(key.prefix() + "/update/accepted", 1, m -> cloudUpdated(key, m)));
      open.add(messaging.subscribe(key.prefix() + "/delete/accepted", 1, m -> lookAt(key)));
    } catch (CloudMessagingException e) {
      LOG.warn(
          "Changes that the cloud makes to {} arrive only after changes here: {}",
          key,
          e.getMessage());
    }
    return open;
  }

  private void unfollow(ShadowKey key) {
    List<AutoCloseable> open = followed.remove(key);
    if (open == null) {
      return;
    }
    for (AutoCloseable subscription : open) {
      try {
        subscription.close();
      } catch (Exception e) {
        LOG.warn("The cloud subscription for {} did not end properly: {}", key, e.getMessage());
      }
    }
  }

  // ---- what makes work

  /** Somebody on this core changed a shadow. */
  void localChanged(ShadowKey key) {
    lock.lock();
    try {
      if (settings.direction().toCloud() && followed.containsKey(key)) {
        var unused = entry(key);
      }
    } finally {
      lock.unlock();
    }
  }

  private void cloudUpdated(ShadowKey key, CloudMessage message) {
    JsonNode told;
    try {
      told = Json.read(message.payload());
    } catch (JacksonException e) {
      LOG.debug("{} is no JSON; the cloud is asked", message.topic(), e);
      told = Json.object();
    }
    long version = told.path("version").asLong(0);
    JsonNode state = told.path("state");
    lock.lock();
    try {
      if (!followed.containsKey(key)) {
        return;
      }
      Pending p = entry(key);
      if (version < 1 || !(state.isObject() || state.isNull()) || p.changes.size() >= CHANGES) {
        p.look = true;
      } else {
        p.changes.add(new CloudChange(version, state instanceof ObjectNode object ? object : null));
      }
    } finally {
      lock.unlock();
    }
  }

  private void lookAt(ShadowKey key) {
    lock.lock();
    try {
      if (followed.containsKey(key)) {
        entry(key).look = true;
      }
    } finally {
      lock.unlock();
    }
  }

  private void lookAtAll() {
    for (ShadowKey key : followed.keySet()) {
      Pending p = entry(key);
      p.look = true;
      p.due = System.nanoTime();
    }
  }

  private Pending entry(ShadowKey key) {
    Pending p = pending.get(key);
    if (p == null) {
      p = new Pending();
      p.due = settings.period() == null ? System.nanoTime() : tick();
      pending.put(key, p);
      work.signal();
    }
    return p;
  }

  /** The end of the period that runs now. */
  private long tick() {
    Duration period = settings.period();
    long now = System.nanoTime();
    while (period != null && nextTick - now < 0) {
      nextTick += period.toNanos();
    }
    return nextTick;
  }

  // ---- the work

  private record Job(ShadowKey key, Pending pending, Sync settings) {}

  private void run() {
    try {
      while (true) {
        Job job = next();
        try {
          Reconciler.Outcome outcome =
              reconciler.run(
                  job.key(), job.settings().direction(), job.pending().look, job.pending().changes);
          done(job, outcome);
        } catch (CloudUnavailableException e) {
          unavailable(job, e);
        } catch (NucleusException | ShadowException e) {
          refused(job, e);
        } catch (RuntimeException e) {
          LOG.error("{} could not be synchronized", job.key(), e);
          again(job, REFUSED_PAUSE);
        } finally {
          release(job);
        }
      }
    } catch (InterruptedException e) {
      LOG.debug("A worker of the shadow synchronization ends");
    }
  }

  private Job next() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (true) {
        long now = System.nanoTime();
        long wait = pauseUntil - now;
        if (wait <= 0) {
          wait = TimeUnit.MINUTES.toNanos(1);
          for (Map.Entry<ShadowKey, Pending> e : pending.entrySet()) {
            if (inWork.contains(e.getKey())) {
              continue;
            }
            long due = e.getValue().due - now;
            if (due <= 0) {
              pending.remove(e.getKey());
              inWork.add(e.getKey());
              return new Job(e.getKey(), e.getValue(), settings);
            }
            wait = Math.min(wait, due);
          }
        }
        long unused = work.awaitNanos(wait);
      }
    } finally {
      lock.unlock();
    }
  }

  private void release(Job job) {
    lock.lock();
    try {
      inWork.remove(job.key());
      work.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void done(Job job, Reconciler.Outcome outcome) {
    lock.lock();
    try {
      pause = times.firstPause();
      complained.remove(job.key());
      if (away) {
        away = false;
        LOG.info("The cloud can be reached again; shadows are synchronized");
      }
    } finally {
      lock.unlock();
    }
    if (outcome == Reconciler.Outcome.LOOK_AGAIN) {
      job.pending().look = true;
      again(job, CONTENDED_PAUSE);
    }
  }

  private void unavailable(Job job, CloudUnavailableException e) {
    lock.lock();
    try {
      if (!away) {
        away = true;
        LOG.info("Shadows wait until the cloud can be reached: {}", e.getMessage());
      }
      pauseUntil = System.nanoTime() + jittered(pause);
      Duration doubled = pause.multipliedBy(2);
      pause = doubled.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : doubled;
      job.pending().look = true;
    } finally {
      lock.unlock();
    }
    again(job, Duration.ZERO);
  }

  /** The others go on; this one is tried again later, in case somebody mends a policy (TRB-17). */
  private void refused(Job job, RuntimeException e) {
    lock.lock();
    try {
      if (complained.add(job.key())) {
        LOG.warn(
            "{} is not synchronized: {} (the core's policy needs iot:GetThingShadow,"
                + " iot:UpdateThingShadow and iot:DeleteThingShadow on it)",
            job.key(),
            e.getMessage());
      }
    } finally {
      lock.unlock();
    }
    job.pending().look = true;
    again(job, REFUSED_PAUSE);
  }

  /** Puts it back, together with what has come meanwhile. */
  private void again(Job job, Duration later) {
    lock.lock();
    try {
      if (!followed.containsKey(job.key())) {
        return;
      }
      Pending p = pending.get(job.key());
      if (p == null) {
        p = new Pending();
        p.due = System.nanoTime() + (later.isZero() ? 0 : jittered(later));
        pending.put(job.key(), p);
        work.signal();
      }
      p.look |= job.pending().look;
    } finally {
      lock.unlock();
    }
  }

  private static long jittered(Duration pause) {
    long nanos = pause.toNanos();
    return nanos / 2 + ThreadLocalRandom.current().nextLong(nanos / 2 + 1);
  }

  /** Waits until the next change may go to the cloud. */
  private void pace() {
    long wait;
    lock.lock();
    try {
      long now = System.nanoTime();
      nextSlot = Math.max(now, nextSlot) + TimeUnit.SECONDS.toNanos(1) / settings.rate();
      wait = nextSlot - now - TimeUnit.SECONDS.toNanos(1) / settings.rate();
    } finally {
      lock.unlock();
    }
    if (wait > 0) {
      try {
        TimeUnit.NANOSECONDS.sleep(wait);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CloudUnavailableException("The synchronization of shadows was stopped.", e);
      }
    }
  }

  /** After each new connection everything is looked at, now and once subscriptions stand. */
  private void watch() {
    boolean was = messaging.connected();
    try {
      while (true) {
        TimeUnit.NANOSECONDS.sleep(times.connectionLook().toNanos());
        boolean is = messaging.connected();
        lock.lock();
        try {
          long now = System.nanoTime();
          if (is && !was) {
            secondLook = now + times.secondLook().toNanos();
            pauseUntil = now;
            pause = times.firstPause();
            lookAtAll();
            work.signalAll();
          } else if (secondLook != 0 && now - secondLook >= 0) {
            secondLook = 0;
            lookAtAll();
            work.signalAll();
          }
        } finally {
          lock.unlock();
        }
        was = is;
      }
    } catch (InterruptedException e) {
      LOG.debug("The connection is not watched any more");
    }
  }

  /** Shadows that wait, for the log and tests. */
  int waiting() {
    lock.lock();
    try {
      return pending.size() + inWork.size();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    List<Thread> ending;
    lock.lock();
    try {
      for (ShadowKey key : Set.copyOf(followed.keySet())) {
        unfollow(key);
      }
      pending.clear();
      ending = List.copyOf(threads);
      end();
      settings = Sync.NONE;
    } finally {
      lock.unlock();
    }
    joined(ending);
  }

  private static void joined(List<Thread> ending) {
    try {
      for (Thread thread : ending) {
        if (!thread.join(Duration.ofSeconds(5))) {
          LOG.warn("{} has not ended within 5 s", thread.getName());
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** For tests: whether threads exist. */
  boolean works() {
    lock.lock();
    try {
      return !threads.isEmpty();
    } finally {
      lock.unlock();
    }
  }
}
