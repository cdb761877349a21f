package io.ryegrass.nucleus.store;

import io.ryegrass.model.BuiltInComponents;
import io.ryegrass.model.ComponentVersion;
import io.ryegrass.model.InvalidDocumentException;
import io.ryegrass.model.Recipe;
import io.ryegrass.model.VersionRequirement;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.ComponentCatalog;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.store.ComponentStore.StoredRecipe;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds one version for each component that the roots need (v2-recipes-config.md section 8.1).
 *
 * <p>Breadth first. Each component is picked with all requirements known so far, kept by who asks.
 * When a later requirement does not accept the picked version, the requirements that this version
 * put on others are withdrawn and it is picked again; what nobody asks for at the end falls out.
 * Built-in components have one version, the core's own, and are never asked for in the cloud.
 */
public final class Resolver {
  private static final Logger LOG = LoggerFactory.getLogger(Resolver.class);
  private static final int MAX_PICKS = 10_000;
  private static final int SAVED_AT_ONCE = 8;

  private final ComponentStore store;
  private final ComponentCatalog catalog;
  private final Map<String, String> platform;
  private final Map<String, String> active;
  private final boolean localFirst;
  private final Backoff backoff;

  private final Map<String, TreeMap<String, String>> requirements = new HashMap<>();
  private final Map<String, StoredRecipe> picked = new LinkedHashMap<>();

  /** What the cloud said when it was asked for all roots; used once, for the same question. */
  private final Map<String, Answer> answers = new HashMap<>();

  private final Map<String, Optional<StoredRecipe>> locals = new HashMap<>();
  private final Map<String, VersionRequirement> ranges = new HashMap<>();

  /** Whether a version does what is required; the same few questions come hundreds of times. */
  private final Map<Fit, Boolean> fitting = new HashMap<>();

  private record Fit(String requirement, String version) {}

  private record Answer(
      Map<String, String> requirements, ComponentCatalog.ResolvedComponent component) {}

  /**
   * @param active component → version that runs now
   * @param localFirst local deployment: a fitting local version is used without asking the cloud
   */
  public Resolver(
      ComponentStore store,
      ComponentCatalog catalog,
      Map<String, String> platform,
      Map<String, String> active,
      boolean localFirst,
      Backoff backoff) {
    this.store = store;
    this.catalog = catalog;
    this.platform = platform;
    this.active = active;
    this.localFirst = localFirst;
    this.backoff = backoff;
  }

  /**
   * @param roots component → (group key → exact version)
   * @return components in an order where hard dependencies come first
   * @throws NucleusException with a code of v2-deployments.md section 6
   */
  public Map<String, StoredRecipe> resolve(Map<String, Map<String, String>> roots)
      throws InterruptedException {
    Deque<String> open = new ArrayDeque<>();
    roots.forEach(
        (name, byGroup) -> {
          requirements.computeIfAbsent(name, n -> new TreeMap<>()).putAll(byGroup);
          open.add(name);
        });
    askForAll(roots);
    int picks = 0;
    while (!open.isEmpty()) {
      String name = open.remove();
      Map<String, String> wanted = requirements.getOrDefault(name, new TreeMap<>());
      if (wanted.isEmpty()) {
        withdraw(name, open);
        continue;
      }
      StoredRecipe old = picked.get(name);
      if (old != null && accepted(old.recipe().componentVersion(), wanted)) {
        continue;
      }
      if (++picks > MAX_PICKS) {
        throw new NucleusException(
            "COMPONENT_VERSION_REQUIREMENTS_NOT_MET",
            "The version requirements of "
                + name
                + " change without end; state narrower versions.");
      }
      StoredRecipe pick = pick(name, wanted);
      if (old != null) {
        withdraw(name, open);
      }
      picked.put(name, pick);
      pick.recipe()
          .dependencies()
          .forEach(
              (dependency, d) -> {
                requirements
                    .computeIfAbsent(dependency, n -> new TreeMap<>())
                    .put(name, d.versionRequirement().text());
                open.add(dependency);
              });
    }
    return ordered();
  }

  /** All roots that the cloud has to be asked for, in few questions. */
  private void askForAll(Map<String, Map<String, String>> roots) throws InterruptedException {
    if (localFirst) {
      return;
    }
    List<ComponentCatalog.Wanted> questions = new ArrayList<>();
    for (Map.Entry<String, Map<String, String>> root : roots.entrySet()) {
      String name = root.getKey();
      if (!isName(name)
          || (BuiltInComponents.isBuiltIn(name) && !otherNucleus(name, root.getValue()))) {
        continue;
      }
      StoredRecipe local = local(name, root.getValue());
      questions.add(
          new ComponentCatalog.Wanted(
              name,
              Map.copyOf(root.getValue()),
              local == null ? null : local.recipe().componentVersion()));
      locals.put(name, Optional.ofNullable(local));
    }
    if (questions.size() > 1) {
      Map<String, ComponentCatalog.ResolvedComponent> found =
          catalog.resolveAll(questions, platform);
      questions.forEach(
          q -> {
            ComponentCatalog.ResolvedComponent answer = found.get(q.name());
            if (answer != null) {
              answers.put(q.name(), new Answer(q.requirements(), answer));
            }
          });
    }
    saveAll();
  }

  /**
   * Each file of a recipe waits for the disk: several do so at once. Those written stay written.
   */
  private void saveAll() throws InterruptedException {
    Semaphore turns = new Semaphore(SAVED_AT_ONCE);
    try (ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Map.Entry<String, Answer> a : answers.entrySet()) {
        ComponentCatalog.ResolvedComponent r = a.getValue().component();
        if (accepted(r.recipe().componentVersion(), a.getValue().requirements())
            && fits(r.recipe())) {
          turns.acquire();
          pool.execute(
              () -> {
                try {
                  save(r);
                } catch (RuntimeException e) {
                  LOG.debug("{} is stored when it is picked: {}", a.getKey(), e.getMessage());
                } finally {
                  turns.release();
                }
              });
        }
      }
    }
  }

  private StoredRecipe save(ComponentCatalog.ResolvedComponent r) {
    return store.save(r.recipe(), r.recipeJson().getBytes(StandardCharsets.UTF_8), r.arn());
  }

  private ComponentCatalog.ResolvedComponent ask(
      String name, Map<String, String> wanted, @Nullable StoredRecipe local) {
    Answer known = answers.remove(name);
    if (known != null && known.requirements().equals(wanted)) {
      return known.component();
    }
    return catalog.resolve(
        name,
        Map.copyOf(wanted),
        platform,
        local == null ? null : local.recipe().componentVersion());
  }

  private static boolean isName(String name) {
    return !(name.isEmpty() || name.equals(".") || name.equals("..") || name.contains("/"));
  }

  private void withdraw(String name, Deque<String> open) {
    StoredRecipe old = picked.remove(name);
    if (old == null) {
      return;
    }
    for (String dependency : old.recipe().dependencies().keySet()) {
      TreeMap<String, String> theirs = requirements.get(dependency);
      if (theirs != null && theirs.remove(name) != null) {
        open.add(dependency);
      }
    }
  }

  private StoredRecipe pick(String name, Map<String, String> wanted) throws InterruptedException {
    if (!isName(name)) {
      throw new NucleusException(
          "COMPONENT_METADATA_NOT_VALID_IN_DEPLOYMENT",
          "\"" + name + "\" cannot be the name of a component; rename it.");
    }
    if (BuiltInComponents.isBuiltIn(name) && !otherNucleus(name, wanted)) {
      return builtIn(name, wanted);
    }
    checkAgreement(name, wanted);
    Optional<StoredRecipe> looked = locals.remove(name);
    StoredRecipe known = looked == null ? null : looked.orElse(null);
    boolean again =
        looked == null || (known != null && !accepted(known.recipe().componentVersion(), wanted));
    StoredRecipe local = again ? local(name, wanted) : known;
    if (localFirst && local != null) {
      return local;
    }
    for (int attempt = 0; ; attempt++) {
      try {
        ComponentCatalog.ResolvedComponent r = ask(name, wanted, local);
        if (!accepted(r.recipe().componentVersion(), wanted)) {
          throw new NucleusException(
              "COMPONENT_VERSION_REQUIREMENTS_NOT_MET",
              "The cloud offers "
                  + name
                  + " "
                  + r.recipe().componentVersion().text()
                  + ", which does not do what is asked of it ("
                  + wishes(wanted)
                  + "); create a version that does.");
        }
        checkPlatform(r.recipe());
        return save(r);
      } catch (CloudUnavailableException e) {
        if (local != null) {
          LOG.info("The cloud cannot be asked for {}; the version on this device is used", name);
          return local;
        }
        LOG.info("The cloud cannot be asked for {}, trying again: {}", name, e.getMessage());
        backoff.pause(attempt);
      } catch (NucleusException e) {
        if (local != null && !e.code().equals("COMPONENT_VERSION_REQUIREMENTS_NOT_MET")) {
          LOG.info(
              "The cloud refuses {} ({}); the version on this device is used",
              name,
              e.getMessage());
          return local;
        }
        throw new NucleusException(
            e.code(),
            "No version of "
                + name
                + " can be had that does what is asked of it ("
                + wishes(wanted)
                + "): "
                + e.getMessage(),
            e);
      }
    }
  }

  /**
   * Two who want different versions are told at once, without asking the cloud (DPL-05, TRB-26).
   */
  private void checkAgreement(String name, Map<String, String> wanted) {
    for (Map.Entry<String, String> exact : wanted.entrySet()) {
      ComponentVersion version = exactly(exact.getValue());
      if (version != null && !accepted(version, wanted)) {
        throw new NucleusException(
            "COMPONENT_VERSION_REQUIREMENTS_NOT_MET",
            "No version of "
                + name
                + " satisfies all who ask for it: "
                + wishes(wanted)
                + "; revise one of these deployments or components so that they agree.");
      }
    }
  }

  private static @Nullable ComponentVersion exactly(String requirement) {
    String text = requirement.startsWith("=") ? requirement.substring(1).strip() : requirement;
    try {
      return ComponentVersion.parse(text);
    } catch (InvalidDocumentException e) {
      return null; // a range
    }
  }

  /** Who wants what, as in DPL-30. */
  static String wishes(Map<String, String> wanted) {
    StringBuilder text = new StringBuilder();
    new TreeMap<>(wanted)
        .forEach(
            (who, what) ->
                text.append(text.isEmpty() ? "" : ", ")
                    .append(who)
                    .append(" requires ")
                    .append(exactly(what) != null && !what.startsWith("=") ? "=" : "")
                    .append(what));
    return text.toString();
  }

  /**
   * Another nucleus than this process is one that somebody deploys by its version: a component of
   * which the cloud has the recipe and the artifacts (v2-deployments.md section 10). Nobody gets it
   * by a range of versions (LESSON-28).
   */
  private static boolean otherNucleus(String name, Map<String, String> wanted) {
    if (!name.equals("aws.greengrass.Nucleus")) {
      return false;
    }
    return wanted.values().stream()
        .map(Resolver::exactly)
        .anyMatch(v -> v != null && !v.text().equals(BuiltInComponents.NUCLEUS_VERSION));
  }

  private StoredRecipe builtIn(String name, Map<String, String> wanted) {
    Recipe recipe =
        BuiltInComponents.recipes().stream()
            .filter(r -> r.componentName().equals(name))
            .findFirst()
            .orElseThrow();
    if (!accepted(recipe.componentVersion(), wanted)) {
      throw new NucleusException(
          // a newer nucleus has to be asked for by name (NUC-09)
          name.equals("aws.greengrass.Nucleus")
              ? "UNAUTHORIZED_NUCLEUS_MINOR_VERSION_UPDATE"
              : "NO_AVAILABLE_COMPONENT_VERSION",
          "This core brings "
              + name
              + " "
              + recipe.componentVersion().text()
              + ", which does not do what is asked of it ("
              + wishes(wanted)
              + "); deploy that version or leave the component out.");
    }
    return new StoredRecipe(recipe, "", "");
  }

  private @Nullable StoredRecipe local(String name, Map<String, String> wanted) {
    String running = active.get(name);
    if (running != null && accepted(ComponentVersion.parse(running), wanted)) {
      Optional<StoredRecipe> found = readable(name, running);
      if (found.isPresent()) {
        return found.get();
      }
    }
    for (ComponentVersion v : store.versions(name)) {
      if (accepted(v, wanted)) {
        Optional<StoredRecipe> found = readable(name, v.text());
        if (found.isPresent()) {
          return found.get();
        }
      }
    }
    return null;
  }

  private Optional<StoredRecipe> readable(String name, String version) {
    try {
      return store.findSeen(name, version).filter(r -> fits(r.recipe()));
    } catch (NucleusException e) {
      LOG.warn("{}", e.getMessage());
      return Optional.empty();
    }
  }

  private boolean fits(Recipe recipe) {
    try {
      recipe.select(platform);
      return true;
    } catch (InvalidDocumentException e) {
      return false;
    }
  }

  private void checkPlatform(Recipe recipe) {
    try {
      recipe.select(platform);
    } catch (InvalidDocumentException e) {
      throw new NucleusException(e.code(), sentence(e.getMessage()), e);
    }
  }

  private static String sentence(@Nullable String text) {
    return text == null ? "" : text;
  }

  /** Two hundred components that want the same of a built-in one say so in one or two texts. */
  private boolean accepted(ComponentVersion version, Map<String, String> wanted) {
    return Set.copyOf(wanted.values()).stream()
        .allMatch(
            r ->
                fitting.computeIfAbsent(
                    new Fit(r, version.text()), fit -> requirement(r).accepts(version)));
  }

  private VersionRequirement requirement(String text) {
    return ranges.computeIfAbsent(text, VersionRequirement::parse);
  }

  private Map<String, StoredRecipe> ordered() {
    Map<String, StoredRecipe> result = new LinkedHashMap<>();
    Set<String> done = new HashSet<>();
    for (String name : picked.keySet()) {
      visit(name, done, new ArrayList<>(), result);
    }
    return result;
  }

  private void visit(
      String name, Set<String> done, List<String> path, Map<String, StoredRecipe> result) {
    if (done.contains(name)) {
      return;
    }
    StoredRecipe r = picked.get(name);
    if (r == null) {
      return;
    }
    if (path.contains(name)) {
      throw new NucleusException(
          "COMPONENT_CIRCULAR_DEPENDENCY_ERROR",
          "The components "
              + String.join(" → ", path.subList(path.indexOf(name), path.size()))
              + " → "
              + name
              + " need each other; make one of the dependencies SOFT or remove it.");
    }
    path.add(name);
    r.recipe()
        .dependencies()
        .forEach(
            (dependency, d) -> {
              if (d.type() == Recipe.DependencyType.HARD) {
                visit(dependency, done, path, result);
              }
            });
    path.removeLast();
    done.add(name);
    result.put(name, r);
  }
}
