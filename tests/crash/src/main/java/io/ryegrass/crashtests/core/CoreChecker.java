package io.ryegrass.crashtests.core;

import io.ryegrass.crashtests.core.CoreViolation.Kind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads what happened to a core, event by event, and says which promise was broken. It knows
 * nothing of processes and files; its tests feed it histories with one thing wrong each.
 *
 * <p>What may be true: a deployment that was answered is known for good and ends; one that was not
 * answered may be known or not. One of whole components succeeds, unless the core was started three
 * times while it was watched (then it may give up, rolled back); one with a broken component fails.
 * After a success runs what was asked for; after anything else exactly what ran before. A change of
 * configuration that was answered holds; one that was not may hold.
 */
final class CoreChecker {
  /** Starts within one deployment after which the core may give it up. */
  private static final int MAY_GIVE_UP = 3;

  private final Model model = new Model();
  private final List<CoreViolation> found = new ArrayList<>();
  private @Nullable String identity;
  private @Nullable String identityFiles;
  private Seen last = new Seen(Map.of());
  private final Map<String, Map<String, String>> certain = new HashMap<>();
  private final Map<String, Map<String, String>> possible = new HashMap<>();
  private @Nullable Plan pending;
  private @Nullable String pendingId;
  private boolean cancelling;
  private final Map<String, String> known = new HashMap<>();
  private final Set<String> old = new HashSet<>();
  private int kills;
  private CoreEvent.@Nullable Ended end;

  Model model() {
    return model;
  }

  /** The plan that is under way, or null. */
  @Nullable Plan pending() {
    return pending;
  }

  /** Its id when it is known. */
  @Nullable String pendingId() {
    return pendingId;
  }

  List<CoreViolation> found() {
    return List.copyOf(found);
  }

  void accept(CoreEvent event) {
    switch (event) {
      case CoreEvent.Starting _ -> {}
      case CoreEvent.Ready e -> ready(e);
      case CoreEvent.NotReady e -> broken(Kind.NOT_STARTED, e.why());
      case CoreEvent.Killed _ -> kills++;
      case CoreEvent.Asked e -> {
        pending = e.plan();
        pendingId = null;
        cancelling = false;
        end = null;
        kills = 0;
      }
      case CoreEvent.Acknowledged e -> {
        pendingId = e.id();
        known.put(e.id(), "#" + e.plan());
      }
      case CoreEvent.Refused e -> {
        broken(Kind.WRONG_END, "deployment #" + e.plan() + " was refused: " + e.why());
        pending = null;
      }
      case CoreEvent.Cancelling _ -> cancelling = true;
      case CoreEvent.Listed e -> listed(e.ids());
      case CoreEvent.Updating e -> put(possible, e.component(), e.key(), e.value());
      case CoreEvent.Updated e -> put(certain, e.component(), e.key(), e.value());
      case CoreEvent.Ended e -> ended(e);
      case CoreEvent.NotEnded e -> {
        broken(Kind.NOT_ENDED, pending + " (" + e.id() + ") is still " + e.status());
        pending = null;
      }
      case CoreEvent.Rest e -> rest(e.seen());
    }
  }

  private void broken(Kind kind, String what) {
    found.add(new CoreViolation(kind, what));
  }

  private static void put(
      Map<String, Map<String, String>> all, String component, String key, String value) {
    all.computeIfAbsent(component, c -> new LinkedHashMap<>()).put(key, value);
  }

  private void ready(CoreEvent.Ready e) {
    if (identity == null) {
      identity = e.identity();
      identityFiles = e.files();
    } else if (!e.identity().equals(identity)) {
      broken(Kind.IDENTITY_CHANGED, "it was " + identity + " and is " + e.identity() + " now");
    } else if (!e.files().equals(identityFiles)) {
      broken(Kind.IDENTITY_CHANGED, "config.yaml, certificate or key were changed");
    }
  }

  private void listed(Set<String> ids) {
    for (Map.Entry<String, String> k : known.entrySet()) {
      if (!ids.contains(k.getKey())) {
        broken(
            Kind.DEPLOYMENT_LOST,
            "deployment " + k.getValue() + " (" + k.getKey() + ") is unknown after a start");
      }
    }
    if (pending != null && pendingId == null) {
      String unheard =
          ids.stream()
              .filter(id -> !known.containsKey(id) && !old.contains(id))
              .findFirst()
              .orElse(null);
      if (unheard == null) {
        pending = null; // the kill was faster than the request
      } else {
        pendingId = unheard;
        known.put(unheard, "#" + pending.number());
      }
    }
  }

  /** Old deployments are forgotten by the core in time; only the latest have to be known. */
  void forgetOldDeployments() {
    old.addAll(known.keySet());
    known.keySet().removeIf(id -> !id.equals(pendingId));
  }

  private void ended(CoreEvent.Ended e) {
    Plan plan = pending;
    if (plan == null || !e.id().equals(pendingId)) {
      return;
    }
    end = e;
    String said = e.status() + " " + e.detailed() + " (" + e.cause() + ")";
    boolean clean =
        e.detailed().equals("FAILED_ROLLBACK_COMPLETE")
            || e.detailed().equals("FAILED_NO_STATE_CHANGE");
    switch (e.status()) {
      case "SUCCEEDED" -> {
        if (plan.broken()) {
          broken(Kind.WRONG_END, plan + " is broken and succeeded");
        }
      }
      case "FAILED" -> {
        if (!plan.broken() && kills < MAY_GIVE_UP && !cancelling) {
          broken(
              Kind.WRONG_END, plan + " is whole and ended " + said + " after " + kills + " kills");
        } else if (plan.rollBack() && !clean) {
          broken(Kind.NOT_ROLLED_BACK, plan + " ended " + said);
        }
      }
      case "CANCELED" -> {
        if (!cancelling) {
          broken(Kind.WRONG_END, plan + " was not cancelled and ended " + said);
        }
      }
      default -> broken(Kind.WRONG_END, plan + " ended " + said);
    }
  }

  private void rest(Seen seen) {
    Plan plan = pending;
    CoreEvent.Ended how = end;
    if (plan != null && how == null) {
      return; // nothing is certain yet
    }
    if (plan != null && how != null && how.status().equals("SUCCEEDED")) {
      applied(plan, seen);
      model.applied(plan, seen);
    } else if (plan != null
        && how != null
        && how.detailed().equals("FAILED_ROLLBACK_NOT_REQUESTED")) {
      model.applied(plan, seen); // what was wanted was kept; what that is, is not looked at
    } else {
      unchanged(seen, plan == null ? Kind.STATE_CHANGED : Kind.NOT_ROLLED_BACK, plan);
    }
    alive(seen);
    last = seen;
    certain.clear();
    possible.clear();
    if (plan != null) {
      pending = null;
      end = null;
    }
  }

  // ---- after a success

  private void applied(Plan plan, Seen seen) {
    Set<String> names = model.namesAfter(plan);
    if (!names.equals(seen.components().keySet())) {
      broken(
          Kind.NOT_APPLIED,
          plan + " should leave " + names + " but there is " + seen.components().keySet());
    }
    seen.components()
        .forEach(
            (name, c) -> {
              Spec asked = plan.merge().get(name);
              if (asked != null && !asked.version().equals(c.version())) {
                broken(
                    Kind.NOT_APPLIED,
                    plan + " asks for " + asked + " but " + name + " has " + c.version());
              }
              Spec content = content(plan, name, c.version());
              if (content != null) {
                configuredAs(plan, name, c, content);
              }
              Seen.Component old = last.components().get(name);
              if (asked == null
                  && old != null
                  && old.version().equals(c.version())
                  && !old.files().equals(c.files())) {
                broken(Kind.NOT_APPLIED, plan + " changed the files of " + name);
              }
            });
  }

  private @Nullable Spec content(Plan plan, String name, String version) {
    if (plan.merge().containsKey(name)) {
      return plan.brings(name, version);
    }
    Spec runs = model.running(name);
    if (runs != null) {
      return runs.version().equals(version) ? runs : null;
    }
    return plan.brings(name, version);
  }

  private void configuredAs(Plan plan, String name, Seen.Component c, Spec content) {
    Seen.Component old = last.components().get(name);
    Map<String, Object> before = old == null ? null : Model.copy(old.configuration());
    Map<String, Object> sure = Model.copy(before == null ? Map.of() : before);
    certain.getOrDefault(name, Map.of()).forEach(sure::put);
    Map<String, Object> expected =
        Model.configured(
            before == null ? null : sure, content.defaults(), plan.updates().get(name));
    String wrong = differ(name, expected, c.configuration());
    if (wrong != null) {
      broken(Kind.NOT_APPLIED, plan + ": configuration of " + name + ": " + wrong);
    }
  }

  // ---- after anything else

  private void unchanged(Seen seen, Kind kind, @Nullable Plan plan) {
    String whose = plan == null ? "nobody deployed, but " : plan + " was rolled back, but ";
    if (!seen.components().keySet().equals(last.components().keySet())) {
      broken(
          kind,
          whose
              + seen.components().keySet()
              + " are there and "
              + last.components().keySet()
              + " were");
      return;
    }
    last.components()
        .forEach(
            (name, old) -> {
              Seen.Component now = seen.components().get(name);
              if (now == null) {
                return;
              }
              if (!old.version().equals(now.version())) {
                broken(kind, whose + name + " is " + now.version() + " and was " + old.version());
              } else if (!old.files().equals(now.files())) {
                broken(kind, whose + "the files of " + name + " are others");
              } else if (!old.state().equals(now.state())) {
                broken(kind, whose + name + " is " + now.state() + " and was " + old.state());
              }
              Map<String, Object> expected = Model.copy(old.configuration());
              certain.getOrDefault(name, Map.of()).forEach(expected::put);
              String wrong = differ(name, expected, now.configuration());
              if (wrong != null) {
                broken(
                    certain.containsKey(name) ? Kind.UPDATE_LOST : kind,
                    whose + "configuration of " + name + ": " + wrong);
              }
            });
  }

  /** Null when equal but for updates that were not answered. */
  private @Nullable String differ(
      String name, Map<String, Object> expected, Map<String, Object> now) {
    Map<String, Object> rest = new LinkedHashMap<>(now);
    Map<String, Object> wanted = new LinkedHashMap<>(expected);
    possible
        .getOrDefault(name, Map.of())
        .forEach(
            (key, value) -> {
              if (value.equals(rest.get(key))) {
                rest.remove(key);
                wanted.remove(key);
              }
            });
    return rest.equals(wanted) ? null : now + ", expected " + expected;
  }

  private void alive(Seen seen) {
    seen.components()
        .forEach(
            (name, c) -> {
              Spec spec = model.running(name);
              if (spec == null || spec.behaviour().broken()) {
                return;
              }
              boolean rests = c.state().equals("RUNNING") || c.state().equals("FINISHED");
              int wanted = spec.staysAlive() ? 1 : 0;
              if (!rests) {
                broken(Kind.NOT_RUNNING, spec + " is " + c.state());
              } else if (c.processes() != wanted) {
                broken(
                    Kind.WRONG_PROCESSES,
                    spec + " has " + c.processes() + " processes, not " + wanted);
              }
            });
  }
}
