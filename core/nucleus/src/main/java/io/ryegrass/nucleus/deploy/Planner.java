package io.ryegrass.nucleus.deploy;

import io.ryegrass.model.BuiltInComponents;
import io.ryegrass.model.ComponentType;
import io.ryegrass.model.ConfigurationMerge;
import io.ryegrass.model.DeploymentDocument;
import io.ryegrass.model.InvalidDocumentException;
import io.ryegrass.model.JsonFields;
import io.ryegrass.model.Recipe;
import io.ryegrass.nucleus.CloudPorts;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.ConfigTree;
import io.ryegrass.nucleus.DeploymentRequest;
import io.ryegrass.nucleus.LocalDeployment;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.config.Generation;
import io.ryegrass.nucleus.config.NucleusParameters;
import io.ryegrass.nucleus.config.RecipeVariables;
import io.ryegrass.nucleus.config.StampedConfiguration;
import io.ryegrass.nucleus.config.ValueOrigin;
import io.ryegrass.nucleus.host.PosixUsers;
import io.ryegrass.nucleus.host.PosixUsers.PosixUser;
import io.ryegrass.nucleus.store.ArtifactPreparer;
import io.ryegrass.nucleus.store.Backoff;
import io.ryegrass.nucleus.store.ComponentStore;
import io.ryegrass.nucleus.store.ComponentStore.StoredRecipe;
import io.ryegrass.nucleus.store.Platform;
import io.ryegrass.nucleus.store.Resolver;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Works out what a deployment makes of this core: which groups count, which component versions,
 * their artifacts, and the next generation. Changes nothing that runs.
 */
final class Planner {
  private static final Logger LOG = LoggerFactory.getLogger(Planner.class);
  private static final String NUCLEUS = "aws.greengrass.Nucleus";
  private static final Set<String> CAPABILITIES =
      Set.of(LargeDocuments.CAPABILITY, "LINUX_RESOURCE_LIMITS", "SUB_DEPLOYMENTS");

  private static final int COMPONENTS_AT_ONCE = 8;

  /**
   * The components of a deployment and who asked for them.
   *
   * @param groups root components by group, the deployment's own among them
   * @param membership thing groups of the core as far as known
   */
  record Plan(
      Map<String, StoredRecipe> components,
      Map<String, Generation.Group> groups,
      List<String> membership) {}

  private final ConfigTree config;
  private final ComponentStore store;
  private final CloudPorts cloud;
  private final ArtifactPreparer artifacts;
  private final PosixUsers users;
  private final int ownUid;
  private final Backoff backoff;
  private final Clock clock;

  Planner(
      ConfigTree config,
      ComponentStore store,
      CloudPorts cloud,
      PosixUsers users,
      int ownUid,
      Backoff backoff,
      Clock clock) {
    this.config = config;
    this.store = store;
    this.cloud = cloud;
    this.artifacts = new ArtifactPreparer(store, cloud.artifacts(), backoff);
    this.users = users;
    this.ownUid = ownUid;
    this.backoff = backoff;
    this.clock = clock;
  }

  /** Why a deployment must not be carried out at all, or null. */
  static @Nullable String stale(DeploymentRequest request, Generation current) {
    Generation.Group last = current.groups().get(request.document().groupKey());
    if (request.origin().equals(DeploymentRequest.IOT_JOBS)
        && last != null
        && request.document().creationTimestamp() < last.timestamp()) {
      return "A newer deployment of "
          + request.document().groupKey()
          + " was already applied to this core; create a new revision to go back.";
    }
    return null;
  }

  /**
   * @param ownRoots roots of the deployment's group when they are not all components of the
   *     document, or null
   */
  Plan resolve(
      DeploymentRequest request, Generation current, @Nullable Map<String, String> ownRoots)
      throws InterruptedException {
    DeploymentDocument document = request.document();
    for (String capability : document.requiredCapabilities()) {
      if (!CAPABILITIES.contains(capability)) {
        throw new NucleusException(
            "NUCLEUS_MISSING_REQUIRED_CAPABILITIES",
            "This core does not know the capability "
                + capability
                + " that the deployment requires; make the deployment without it.");
      }
    }
    List<String> membership = membership(request, current);
    Map<String, Generation.Group> groups = groups(document, current, membership, ownRoots);
    Map<String, Map<String, String>> roots = new LinkedHashMap<>();
    groups.forEach(
        (key, g) ->
            g.roots()
                .forEach(
                    (name, version) ->
                        roots.computeIfAbsent(name, n -> new LinkedHashMap<>()).put(key, version)));
    roots.computeIfAbsent(
        NUCLEUS, n -> new LinkedHashMap<>(Map.of("core", BuiltInComponents.NUCLEUS_VERSION)));
    Map<String, String> active = new LinkedHashMap<>();
    current.components().forEach((name, e) -> active.put(name, e.version()));
    Map<String, StoredRecipe> components =
        new Resolver(
                store,
                cloud.catalog(),
                Platform.attributes(config.nucleus().platformOverride()),
                active,
                request.origin().equals(DeploymentRequest.LOCAL),
                backoff)
            .resolve(roots);
    for (StoredRecipe r : components.values()) {
      if (r.recipe().componentType() == ComponentType.PLUGIN
          && !BuiltInComponents.isBuiltIn(r.recipe().componentName())) {
        throw new NucleusException(
            "CUSTOM_PLUGIN_NOT_SUPPORTED",
            r.recipe().componentName()
                + " is a plugin, which this core cannot load; make it a generic component.");
      }
    }
    Map<String, String> platform = Platform.attributes(config.nucleus().platformOverride());
    Prerequisites.check(
        components.values().stream().filter(r -> !isOwn(r)).toList(),
        components.keySet(),
        platform);
    for (String name : document.components().keySet()) {
      if (!components.containsKey(name)) {
        throw new NucleusException(
            "COMPONENT_METADATA_NOT_VALID_IN_DEPLOYMENT",
            "The deployment changes "
                + name
                + ", which is not among the components of this core; add it to the deployment.");
      }
    }
    return new Plan(components, groups, membership);
  }

  private List<String> membership(DeploymentRequest request, Generation current)
      throws InterruptedException {
    int attempts = request.origin().equals(DeploymentRequest.LOCAL) ? 1 : 2;
    for (int attempt = 0; attempt < attempts; attempt++) {
      try {
        return List.copyOf(cloud.catalog().thingGroups());
      } catch (CloudUnavailableException e) {
        LOG.info("Thing groups cannot be asked for now: {}", e.getMessage());
        if (attempt + 1 < attempts) {
          backoff.pause(attempt);
        }
      } catch (NucleusException e) {
        // the contract's words (TRB-30)
        LOG.warn(
            "Failed to get thing group hierarchy; the groups that were known last are used: {}",
            e.getMessage());
        break;
      }
    }
    List<String> known = new ArrayList<>(current.membership());
    current.groups().keySet().stream()
        .filter(k -> k.startsWith("thinggroup/"))
        .map(k -> k.substring("thinggroup/".length()))
        .filter(g -> !known.contains(g))
        .forEach(known::add);
    return known;
  }

  private static Map<String, Generation.Group> groups(
      DeploymentDocument document,
      Generation current,
      List<String> membership,
      @Nullable Map<String, String> ownRoots) {
    Map<String, Generation.Group> groups = new LinkedHashMap<>();
    current
        .groups()
        .forEach(
            (key, g) -> {
              boolean kept =
                  !key.startsWith("thinggroup/")
                      || membership.contains(key.substring("thinggroup/".length()));
              if (kept) {
                groups.put(key, g);
              } else {
                LOG.info("This core left {}; what only that group asked for goes", key);
              }
            });
    Map<String, String> roots = new LinkedHashMap<>();
    if (ownRoots != null) {
      roots.putAll(ownRoots);
    } else {
      document.components().forEach((name, update) -> roots.put(name, update.version()));
    }
    String id = document.deploymentId();
    groups.put(
        document.groupKey(),
        new Generation.Group(
            document.configurationArn(),
            document.creationTimestamp(),
            id.isEmpty() ? null : id,
            roots));
    return groups;
  }

  /** Whether this process brings the component along in just this version. */
  private static boolean isOwn(StoredRecipe r) {
    return BuiltInComponents.isBuiltIn(r.recipe().componentName()) && r.digest().isEmpty();
  }

  /**
   * Looks for room before anything is fetched (NUC-19, TRB-31): on the disk, and in the store's own
   * bound. What no kept generation needs goes first; then {@code lastResort} may free more.
   */
  void checkRoom(Plan plan, Runnable collect, Runnable lastResort) throws InterruptedException {
    Map<String, String> platform = Platform.attributes(config.nucleus().platformOverride());
    LongAdder missing = new LongAdder();
    List<Callable<Void>> questions = new ArrayList<>();
    for (StoredRecipe r : plan.components().values()) {
      if (!isOwn(r)) {
        questions.add(
            () -> {
              missing.add(artifacts.missingBytes(r.recipe(), r.recipe().select(platform), r.arn()));
              return null;
            });
      }
    }
    allOf(questions);
    long needed = missing.sum();
    if (needed == 0) {
      ArtifactPreparer.checkSpace(config.root(), 0);
      return; // what nobody needs any more is collected at the deployment's end
    }
    long most = config.nucleus().componentStoreMaxSizeBytes();
    for (Runnable help : List.of(collect, lastResort)) {
      if (store.size() + needed > most) {
        help.run();
      }
    }
    long size = store.size();
    if (size + needed > most) {
      throw new NucleusException(
          "DISK_SPACE_CRITICAL",
          "The deployment needs "
              + needed
              + " bytes for artifacts, and the component store holds "
              + size
              + " of at most "
              + most
              + " bytes; raise componentStoreMaxSizeBytes of aws.greengrass.Nucleus or deploy less.");
    }
    ArtifactPreparer.checkSpace(config.root(), needed);
  }

  /** Fetches all artifacts, a few components at once; returns digests by component. */
  Map<String, Map<String, String>> download(
      Plan plan, DeploymentDocument document, Generation current) throws InterruptedException {
    Map<String, Map<String, String>> digests = new ConcurrentHashMap<>();
    Map<String, String> platform = Platform.attributes(config.nucleus().platformOverride());
    Map<String, Optional<PosixUser>> owners = new HashMap<>();
    List<Callable<Void>> work = new ArrayList<>();
    for (StoredRecipe r : plan.components().values()) {
      String name = r.recipe().componentName();
      if (isOwn(r)) {
        continue;
      }
      Recipe.Manifest manifest = r.recipe().select(platform);
      String named = posixUser(document, name, current.components().get(name));
      PosixUser owner =
          owners
              .computeIfAbsent(named == null ? "" : named, n -> Optional.ofNullable(user(named)))
              .orElse(null);
      work.add(
          () -> {
            digests.put(name, artifacts.prepare(r.recipe(), manifest, r.arn(), owner));
            return null;
          });
    }
    allOf(work);
    return digests;
  }

  /** Does all of it, a few at once; the first failure ends the others. */
  private static void allOf(List<Callable<Void>> work) throws InterruptedException {
    Semaphore turns = new Semaphore(COMPONENTS_AT_ONCE);
    List<Future<Void>> all = new ArrayList<>();
    try (ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
      try {
        for (Callable<Void> w : work) {
          all.add(
              pool.submit(
                  () -> {
                    turns.acquire();
                    try {
                      return w.call();
                    } finally {
                      turns.release();
                    }
                  }));
        }
        for (Future<Void> f : all) {
          f.get();
        }
      } catch (ExecutionException e) {
        pool.shutdownNow();
        if (e.getCause() instanceof RuntimeException r) {
          throw r;
        }
        throw new NucleusException(
            "ARTIFACT_DOWNLOAD_ERROR", "An artifact could not be fetched: " + e.getCause(), e);
      } catch (InterruptedException e) {
        pool.shutdownNow();
        throw e;
      }
    }
  }

  private @Nullable PosixUser user(@Nullable String text) {
    String effective = text;
    if (effective == null) {
      effective = config.nucleus().runWithDefaultPosixUser().orElse(null);
    }
    if (effective == null && ownUid == 0 && users.exists("ggc_user:ggc_group")) {
      effective = "ggc_user:ggc_group";
    }
    if (effective == null) {
      return null;
    }
    PosixUser user = users.resolve(effective);
    return ownUid == 0 ? user : null;
  }

  private static @Nullable String posixUser(
      DeploymentDocument document, String name, Generation.@Nullable Entry old) {
    String before = old == null ? null : old.posixUser();
    DeploymentDocument.ComponentUpdate update = document.components().get(name);
    DeploymentDocument.RunWith runWith = update == null ? null : update.runWith();
    if (runWith == null || runWith.posixUser() == null) {
      return before;
    }
    return runWith.posixUser().isEmpty() ? null : runWith.posixUser();
  }

  /** Limits of the deployment's runWith; one without limits removes them (section 6.1). */
  private static DeploymentDocument.@Nullable SystemResourceLimits limits(
      DeploymentDocument document, String name, Generation.@Nullable Entry old) {
    DeploymentDocument.ComponentUpdate update = document.components().get(name);
    DeploymentDocument.RunWith runWith = update == null ? null : update.runWith();
    if (runWith != null) {
      return runWith.systemResourceLimits();
    }
    return old == null ? null : old.limits();
  }

  /**
   * The next generation: for each component reset, defaults, merge (v2-recipes-config.md section
   * 6.1).
   */
  Generation compute(
      Plan plan,
      Map<String, Map<String, String>> digests,
      DeploymentRequest request,
      Generation current,
      long number) {
    DeploymentDocument document = request.document();
    long time = time(document);
    String id = document.deploymentId();
    Map<String, Generation.Entry> entries = new LinkedHashMap<>();
    for (StoredRecipe r : plan.components().values()) {
      String name = r.recipe().componentName();
      Generation.Entry old = current.components().get(name);
      StampedConfiguration c = old == null ? StampedConfiguration.empty() : old.stamped();
      DeploymentDocument.ComponentUpdate update = document.components().get(name);
      if (update != null) {
        c.reset(
            update.configurationUpdate().reset(),
            pointer ->
                LOG.error(
                    "Reset of {} in {} is skipped: elements of lists cannot be reset",
                    pointer,
                    name));
      }
      c.addDefaults(
          r.recipe().defaultConfiguration(),
          ValueOrigin.recipe(r.recipe().componentVersion().text()));
      ObjectNode merge = update == null ? null : update.configurationUpdate().merge();
      if (merge != null) {
        c.merge(merge, time, ValueOrigin.deployment(id.isEmpty() ? request.id() : id));
      }
      entries.put(
          name,
          new Generation.Entry(
              name,
              r.recipe().componentVersion().text(),
              r.recipe().componentType(),
              r.arn(),
              r.digest(),
              digests.getOrDefault(name, Map.of()),
              c.values(),
              c.stamps(),
              posixUser(document, name, old),
              limits(document, name, old)));
    }
    interpolate(plan, entries);
    return new Generation(
        number,
        id.isEmpty() ? request.id() : id,
        clock.instant(),
        entries,
        plan.groups(),
        plan.membership());
  }

  /** Refuses new values that parameters of the nucleus cannot have, with the reasons. */
  void checkNucleus(Generation next, Generation current) {
    Generation.Entry nucleus = next.components().get(NUCLEUS);
    Generation.Entry now = current.components().get(NUCLEUS);
    if (nucleus == null) {
      return;
    }
    ObjectNode effective = config.nucleus().raw();
    List<String> refusals =
        NucleusParameters.refusals(
            now == null ? effective : ConfigurationMerge.merge(effective, now.configuration()),
            ConfigurationMerge.merge(effective, nucleus.configuration()));
    if (!refusals.isEmpty()) {
      throw new NucleusException(
          "COMPONENT_CONFIGURATION_NOT_VALID",
          "The configuration of " + NUCLEUS + " is refused: " + String.join(" ", refusals));
    }
  }

  private long time(DeploymentDocument document) {
    boolean processing =
        config
            .nucleus()
            .find("deploymentConfigurationTimeSource")
            .map(n -> n.asString(""))
            .filter("deploymentProcessingTime"::equals)
            .isPresent();
    return processing || document.creationTimestamp() <= 0
        ? clock.millis()
        : document.creationTimestamp();
  }

  private void interpolate(Plan plan, Map<String, Generation.Entry> entries) {
    Generation.Entry nucleus = entries.get(NUCLEUS);
    boolean wanted =
        nucleus != null
                && JsonFields.get(nucleus.configuration(), "interpolateComponentConfiguration")
                    != null
            ? "true"
                .equalsIgnoreCase(
                    JsonFields.text(nucleus.configuration(), "interpolateComponentConfiguration"))
            : config.nucleus().interpolateComponentConfiguration();
    if (!wanted) {
      return;
    }
    for (Generation.Entry e : List.copyOf(entries.values())) {
      StoredRecipe r = plan.components().get(e.name());
      Set<String> direct =
          r == null ? Set.of() : new LinkedHashSet<>(r.recipe().dependencies().keySet());
      RecipeVariables variables =
          new RecipeVariables(
              config.root(),
              config.identity().thingName(),
              facts(e),
              other -> {
                Generation.Entry d = direct.contains(other) ? entries.get(other) : null;
                return d == null ? null : facts(d);
              });
      StampedConfiguration c = e.stamped();
      c.rewrite(variables::configurationText);
      entries.put(e.name(), e.with(c));
    }
  }

  private RecipeVariables.Facts facts(Generation.Entry e) {
    return new RecipeVariables.Facts(
        e.configuration(),
        store.artifacts(e.name(), e.version()),
        store.unarchived(e.name(), e.version()),
        config.root().resolve("work").resolve(e.name()));
  }

  /** Takes recipes and artifacts of a local deployment into the store. */
  void takeLocal(LocalDeployment d) {
    try {
      if (d.recipes() != null) {
        store.takeRecipes(d.recipes());
      }
      if (d.artifacts() != null) {
        store.takeArtifacts(d.artifacts());
      }
    } catch (InvalidDocumentException e) {
      throw new NucleusException(e.code(), String.valueOf(e.getMessage()), e);
    }
  }
}
