package io.ryegrass.shadows;

import io.ryegrass.model.Json;
import io.ryegrass.model.shadow.ShadowDocument;
import io.ryegrass.shadows.CloudShadows.Conflict;
import io.ryegrass.shadows.CloudShadows.Seen;
import io.ryegrass.shadows.ShadowSettings.Direction;
import io.ryegrass.shadows.SyncRecords.SyncRecord;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * Makes one shadow the same here and in the cloud.
 *
 * <p>As with two branches of one history: the record's base is the last state of the cloud that
 * this core has taken in. First what the cloud has newer is merged here and the base moves on to
 * it; then what is newer here goes to the cloud, which takes it only at the version that was just
 * seen. Each step is complete by itself, so a death in between, or a refusal, leaves a base that is
 * right, and the next run goes on from it. A shadow that one side deleted is deleted on the other,
 * unless that one was changed since: then it comes back.
 *
 * <p>One run per shadow at a time.
 */
final class Reconciler {
  private static final int ATTEMPTS = 6;

  /** What the cloud told of a change. */
  record CloudChange(long version, @Nullable ObjectNode state) {}

  /** What is left to do. */
  enum Outcome {
    DONE,
    /** Both sides have to be looked at once more. */
    LOOK_AGAIN
  }

  private final LocalShadows local;
  private final SyncRecords records;
  private final CloudShadows cloud;
  private final Runnable pace;

  /**
   * @param pace waits until one more change may go to the cloud
   */
  Reconciler(LocalShadows local, SyncRecords records, CloudShadows cloud, Runnable pace) {
    this.local = local;
    this.records = records;
    this.cloud = cloud;
    this.pace = pace;
  }

  /**
   * @param look whether the cloud is to be asked, whatever it told
   * @param changes what the cloud told since, in any order
   * @throws io.ryegrass.nucleus.CloudUnavailableException when trying again later may help
   * @throws io.ryegrass.nucleus.CloudRefusedException when the cloud does not want it
   * @throws io.ryegrass.model.shadow.ShadowException when it cannot be kept here
   */
  Outcome run(ShadowKey key, Direction direction, boolean look, List<CloudChange> changes) {
    boolean ask = look;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      SyncRecord record = records.find(key);
      Seen seen = ask || !record.known() ? null : told(record, changes);
      boolean asked = seen == null;
      if (seen == null) {
        seen = cloud.get(key);
      }
      try {
        Optional<Outcome> outcome =
            step(key, direction, record, new Cloud(seen, asked), local.look(key));
        if (outcome.isPresent()) {
          return outcome.get();
        }
      } catch (Conflict e) {
        ask = true;
      }
    }
    return Outcome.LOOK_AGAIN;
  }

  /** The cloud's shadow by what it told; null when something is missing in between. */
  private static @Nullable Seen told(SyncRecord record, List<CloudChange> changes) {
    ObjectNode state = record.base();
    long version = record.cloudVersion();
    List<CloudChange> inOrder =
        changes.stream()
            .filter(c -> c.version() > record.cloudVersion())
            .sorted((a, b) -> Long.compare(a.version(), b.version()))
            .toList();
    for (CloudChange change : inOrder) {
      if (change.version() == version) {
        continue; // told twice
      }
      if (!record.cloudPresent() || change.version() != version + 1) {
        return null;
      }
      version = change.version();
      state =
          new ShadowDocument(state, Json.object(), version)
              .updated(change.state(), 0, Integer.MAX_VALUE)
              .state();
    }
    return new Seen(record.cloudPresent(), state, version);
  }

  /**
   * @param asked whether the cloud was asked just now, and it is not only what it told
   */
  private record Cloud(Seen seen, boolean asked) {}

  /** Empty when something changed meanwhile and all has to be looked at again. */
  private Optional<Outcome> step(
      ShadowKey key, Direction direction, SyncRecord record, Cloud there, ShadowStore.Stored here)
      throws Conflict {
    Seen seen = there.seen();
    if (here.present() && seen.present()) {
      return merge(key, direction, record, seen, here);
    }
    boolean agreed = record.known() && record.cloudPresent();
    if (here.present()) {
      boolean unchanged = agreed && here.version() == record.localVersion();
      return (unchanged && direction.toDevice()) || (agreed && !direction.toCloud())
          ? deleteHere(key, seen, here)
          : create(key, direction, here);
    }
    if (seen.present()) {
      boolean unchanged = agreed && seen.version() == record.cloudVersion();
      if (direction.toCloud() && (unchanged || (agreed && !direction.toDevice()))) {
        if (!there.asked()) {
          throw new Conflict("a deletion names no version, so the cloud is asked first");
        }
        pace.run();
        cloud.delete(key);
        records.save(key, new Seen(false, Json.object(), seen.version()), here.version());
        return Optional.of(Outcome.DONE);
      }
      return direction.toDevice() ? takeWhole(key, seen, here) : Optional.of(Outcome.DONE);
    }
    if (!record.known() || record.cloudPresent() || record.localVersion() != here.version()) {
      records.save(key, new Seen(false, Json.object(), record.cloudVersion()), here.version());
    }
    return Optional.of(Outcome.DONE);
  }

  private Optional<Outcome> merge(
      ShadowKey key, Direction direction, SyncRecord record, Seen seen, ShadowStore.Stored found)
      throws Conflict {
    ObjectNode base = record.known() && record.cloudPresent() ? record.base() : Json.object();
    ShadowStore.Stored here = found;
    ObjectNode merged = ThreeWayMerge.states(base, here.state(), seen.state(), direction);
    ObjectNode down = ThreeWayMerge.patch(here.state(), merged);
    ObjectNode up = ThreeWayMerge.patch(seen.state(), merged);
    boolean takes = direction.toDevice() && !down.isEmpty();
    boolean gives = direction.toCloud() && !up.isEmpty();
    if (takes) {
      Optional<ShadowStore.Stored> taken = local.apply(key, here.version(), down);
      if (taken.isEmpty()) {
        return Optional.empty();
      }
      here = taken.get();
      if (gives) {
        records.save(key, seen, SyncRecord.PENDING);
      }
    }
    if (!gives) {
      if (takes || !isNoted(record, seen, here)) {
        records.save(key, direction.toDevice() ? seen : mine(seen, here), here.version());
      }
      return Optional.of(Outcome.DONE);
    }
    pace.run();
    long version = cloud.update(key, up, seen.version());
    records.save(
        key, new Seen(true, direction.toDevice() ? merged : here.state(), version), here.version());
    return Optional.of(Outcome.DONE);
  }

  /** With the way to the cloud alone, the base is what the device last gave. */
  private static Seen mine(Seen seen, ShadowStore.Stored here) {
    return new Seen(true, here.state(), seen.version());
  }

  private static boolean isNoted(SyncRecord record, Seen seen, ShadowStore.Stored here) {
    return record.known()
        && record.cloudPresent()
        && record.cloudVersion() == seen.version()
        && record.localVersion() == here.version();
  }

  private Optional<Outcome> create(ShadowKey key, Direction direction, ShadowStore.Stored here)
      throws Conflict {
    if (!direction.toCloud()) {
      return Optional.of(Outcome.DONE);
    }
    pace.run();
    long version = cloud.update(key, here.state().deepCopy(), 0);
    records.save(key, new Seen(true, here.state(), version), here.version());
    // Somebody else may have created it in the same moment: one more look.
    return Optional.of(Outcome.LOOK_AGAIN);
  }

  private Optional<Outcome> deleteHere(ShadowKey key, Seen seen, ShadowStore.Stored here) {
    return local
        .remove(key, here.version())
        .map(
            gone -> {
              records.save(key, seen, gone.version());
              return Outcome.DONE;
            });
  }

  private Optional<Outcome> takeWhole(ShadowKey key, Seen seen, ShadowStore.Stored here) {
    return local
        .apply(key, here.version(), seen.state().deepCopy())
        .map(
            taken -> {
              records.save(key, seen, taken.version());
              return Outcome.DONE;
            });
  }
}
