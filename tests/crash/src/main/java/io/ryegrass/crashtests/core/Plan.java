package io.ryegrass.crashtests.core;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A local deployment that is asked for.
 *
 * @param group thing group, or null
 * @param merge root components by name
 * @param extra what the merged ones need and the core does not have
 * @param updates configuration by component
 * @param rollBack whether it asks for ROLLBACK; else for DO_NOTHING
 * @param cancel whether it is cancelled right after
 */
record Plan(
    int number,
    @Nullable String group,
    Map<String, Spec> merge,
    Map<String, Spec> extra,
    Set<String> remove,
    Map<String, Update> updates,
    boolean rollBack,
    boolean cancel) {
  /** A configuration update: what is merged, and the JSON pointers that are reset before. */
  record Update(Map<String, Object> merge, List<String> reset) {}

  private static final String GROUP = "plant";

  /** Names that only one group uses: groups that disagree about a version are another matter. */
  private static final Map<String, List<String>> NAMES =
      Map.of("", List.of("A", "B", "C"), GROUP, List.of("D", "E"));

  private static final List<Spec.Behaviour> GOOD =
      List.of(
          Spec.Behaviour.RUNS,
          Spec.Behaviour.RUNS,
          Spec.Behaviour.RUNS,
          Spec.Behaviour.STARTS,
          Spec.Behaviour.FINISHES,
          Spec.Behaviour.STARTS_SLOWLY,
          Spec.Behaviour.INSTALLS,
          Spec.Behaviour.BOOTSTRAPS,
          Spec.Behaviour.RESTARTS);
  private static final List<Spec.Behaviour> BAD =
      java.util.Arrays.stream(Spec.Behaviour.values()).filter(Spec.Behaviour::broken).toList();

  /** Whether it has to fail. */
  boolean broken() {
    return merge.values().stream().anyMatch(s -> s.behaviour().broken());
  }

  String groupKey() {
    return group == null ? "" : group;
  }

  /** The content that it brings for this version, or null. */
  @Nullable Spec brings(String name, String version) {
    Spec s = merge.getOrDefault(name, extra.get(name));
    return s != null && s.version().equals(version) ? s : null;
  }

  /**
   * @param cloud whether the core has a cloud to wait for: then what it does not have yet may come
   */
  static Plan draw(SplittableRandom random, int number, Model model, boolean cloud) {
    String group = random.nextInt(4) == 0 ? GROUP : null;
    List<String> names = NAMES.getOrDefault(group == null ? "" : group, List.of());
    Map<String, Spec> roots = model.roots(group == null ? "" : group);
    boolean bad = random.nextInt(100) < 35;
    Map<String, Spec> merge = new LinkedHashMap<>();
    Map<String, Spec> extra = new LinkedHashMap<>();
    Map<String, Update> updates = new LinkedHashMap<>();
    Set<String> remove = new TreeSet<>();
    List<String> shuffled = new ArrayList<>(names);
    shuffled.sort(java.util.Comparator.comparingInt(n -> mix(n, number)));
    int many = 1 + random.nextInt(names.size());
    for (String letter : shuffled) {
      String name = Spec.PREFIX + letter;
      if (merge.size() < many) {
        Spec old = roots.get(name);
        boolean same = old != null && random.nextInt(3) == 0;
        Spec spec = same ? old : fresh(random, letter, bad && merge.isEmpty(), cloud);
        merge.put(name, spec);
        if (random.nextBoolean()) {
          updates.put(name, update(random));
        }
      } else if (roots.containsKey(name) && random.nextInt(3) == 0) {
        remove.add(name);
      }
    }
    for (Spec s : List.copyOf(merge.values())) {
      String needed = s.needs();
      while (needed != null && !merge.containsKey(needed) && !model.runs(needed)) {
        Spec fresh = Spec.draw(random, needed, null, GOOD.get(random.nextInt(GOOD.size())));
        extra.putIfAbsent(needed, fresh);
        needed = null;
      }
    }
    boolean broken = merge.values().stream().anyMatch(s -> s.behaviour().broken());
    return new Plan(
        number,
        group,
        merge,
        extra,
        remove,
        updates,
        broken || random.nextInt(5) > 0,
        random.nextInt(20) == 0);
  }

  private static int mix(String letter, int number) {
    return (letter.hashCode() * 31 + number) * 0x9E3779B9;
  }

  private static Spec fresh(SplittableRandom random, String letter, boolean bad, boolean cloud) {
    List<Spec.Behaviour> from =
        bad ? BAD.stream().filter(b -> !cloud || !b.missing()).toList() : GOOD;
    char first = letter.charAt(0);
    String needs =
        first > 'A' && random.nextInt(4) == 0
            ? Spec.PREFIX + (char) ('A' + random.nextInt(first - 'A'))
            : null;
    return Spec.draw(random, Spec.PREFIX + letter, needs, from.get(random.nextInt(from.size())));
  }

  private static Update update(SplittableRandom random) {
    Map<String, Object> merge = new LinkedHashMap<>();
    merge.put("m" + random.nextInt(3), "deployed" + random.nextInt(1000));
    if (random.nextBoolean()) {
      merge.put("deep", Map.of("b", "deployed" + random.nextInt(1000)));
    }
    List<String> reset =
        switch (random.nextInt(6)) {
          case 0 -> List.of("/m0");
          case 1 -> List.of("/deep");
          case 2 -> List.of("");
          default -> List.of();
        };
    return new Update(merge, reset);
  }

  @Override
  public String toString() {
    return "#"
        + number
        + (group == null ? "" : " group " + group)
        + " merge "
        + merge.values()
        + (extra.isEmpty() ? "" : " with " + extra.values())
        + (remove.isEmpty() ? "" : " remove " + remove)
        + (updates.isEmpty() ? "" : " configure " + updates)
        + (rollBack ? "" : " DO_NOTHING")
        + (cancel ? " and cancel" : "");
  }
}
