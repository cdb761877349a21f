package io.ryegrass.nucleus.lifecycle;

import io.ryegrass.model.Recipe;
import io.ryegrass.nucleus.ComponentInstance;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.config.Generation;
import io.ryegrass.nucleus.host.PosixUsers.PosixUser;
import io.ryegrass.nucleus.lifecycle.Steps.Step;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Bootstrap steps of components (v2-deployments.md section 10): run once, before a version is
 * started for the first time, and able to ask for a restart by their exit code. The components of
 * the generation before keep running meanwhile; what replaces the nucleus or its host is the step's
 * own business.
 */
public final class Bootstrap {
  private static final Duration TIMEOUT = Duration.ofSeconds(120);
  private static final String NAME = "Bootstrap";

  private final ComponentSet.Parts parts;
  private final DefinitionReader reader;
  private final BodyMaker maker;

  Bootstrap(ComponentSet.Parts parts, DefinitionReader reader, BodyMaker maker) {
    this.parts = parts;
    this.reader = reader;
    this.maker = maker;
  }

  /**
   * Names of the components of {@code next} whose bootstrap step is to be run, in the generation's
   * order: it has one, and its version or the step itself is not that of {@code current}.
   */
  public List<String> needed(Generation next, Generation current) {
    List<String> names = new ArrayList<>();
    for (Generation.Entry e : next.components().values()) {
      Definition d = reader.stored(next, e);
      JsonNode step = d == null ? null : step(d.lifecycle());
      if (step == null) {
        continue;
      }
      Generation.Entry old = current.components().get(e.name());
      Definition before = old == null ? null : reader.stored(current, old);
      boolean same =
          old != null
              && old.version().equals(e.version())
              && before != null
              && Objects.equals(step, step(before.lifecycle()));
      if (!same) {
        names.add(e.name());
      }
    }
    return names;
  }

  /** Whether the step is to be run, too, when a deployment goes back to this generation. */
  public boolean onRollback(Generation g, String name) {
    Generation.Entry e = g.components().get(name);
    Definition d = e == null ? null : reader.stored(g, e);
    JsonNode step = d == null ? null : step(d.lifecycle());
    if (step == null || !step.isObject()) {
      return false;
    }
    for (Map.Entry<String, JsonNode> p : step.properties()) {
      if (p.getKey().equalsIgnoreCase("bootstrapOnRollback")) {
        return p.getValue().asString("").equalsIgnoreCase("true");
      }
    }
    return false;
  }

  /**
   * Runs the step of one component to its end.
   *
   * @return its exit code; 0 when it is to be skipped
   * @throws NucleusException COMPONENT_BOOTSTRAP_TIMEOUT, COMPONENT_BOOTSTRAP_ERROR, and what the
   *     life cycle throws for a recipe that cannot be used
   */
  public int run(Generation g, String name) throws InterruptedException {
    Definition d = reader.stored(g, Objects.requireNonNull(g.components().get(name)));
    Step step = d == null ? null : new Steps(d.lifecycle()).find(NAME, TIMEOUT);
    if (d == null || step == null) {
      return 0;
    }
    LogFile log = maker.log(name);
    try {
      ComponentInstance instance = maker.instance(d, log);
      Map<String, String> environment = new LinkedHashMap<>(instance.environment());
      environment.putAll(step.environment());
      String user = instance.posixUser();
      PosixUser owner =
          step.requiresPrivilege()
              ? null
              : GenericBody.userOf(
                  user, parts.users(), parts.ownUid(), "COMPONENT_BOOTSTRAP_ERROR");
      ScriptRunner.Running running =
          parts
              .runner()
              .start(
                  new ScriptRunner.Spec(
                      name,
                      NAME,
                      parts.config().nucleus().posixShell(),
                      step.script(),
                      instance.work(),
                      environment,
                      owner,
                      log));
      return await(name, step, running);
    } finally {
      log.close();
    }
  }

  private int await(String name, Step step, ScriptRunner.Running running)
      throws InterruptedException {
    try {
      return running.exit().get(step.timeout().toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw new NucleusException(
          "COMPONENT_BOOTSTRAP_TIMEOUT",
          "The bootstrap step of "
              + name
              + " did not end within "
              + step.timeout().toSeconds()
              + " s; see logs/"
              + name
              + ".log.",
          e);
    } catch (ExecutionException e) {
      throw new NucleusException(
          "COMPONENT_BOOTSTRAP_ERROR",
          "The bootstrap step of " + name + " could not be watched: " + e.getCause() + ".",
          e);
    } finally {
      running.end(parts.settings().stopGrace());
    }
  }

  private static @Nullable JsonNode step(ObjectNode lifecycle) {
    for (Map.Entry<String, JsonNode> e : lifecycle.properties()) {
      if (e.getKey().equalsIgnoreCase(NAME) && !e.getValue().isNull()) {
        return e.getValue();
      }
    }
    return null;
  }

  /** Whether the recipe is one of a nucleus that is not this process' own. */
  public boolean isOtherNucleus(Generation g, String name) {
    Generation.Entry e = g.components().get(name);
    Definition d = e == null ? null : reader.stored(g, e);
    return d != null
        && d.recipe().componentType() == io.ryegrass.model.ComponentType.NUCLEUS
        && !isOwn(d.recipe());
  }

  private static boolean isOwn(Recipe recipe) {
    return recipe
        .componentVersion()
        .text()
        .equals(io.ryegrass.model.BuiltInComponents.NUCLEUS_VERSION);
  }
}
