package io.ryegrass.nucleus.lifecycle;

import io.ryegrass.model.BuiltInComponents;
import io.ryegrass.model.InvalidDocumentException;
import io.ryegrass.model.Recipe;
import io.ryegrass.nucleus.NucleusConfiguration;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.config.Generation;
import io.ryegrass.nucleus.config.RecipeVariables;
import io.ryegrass.nucleus.host.PosixUsers;
import io.ryegrass.nucleus.store.ComponentStore;
import io.ryegrass.nucleus.store.Platform;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.JsonNodeFactory;

/** Works out the definitions of a generation from the component store. */
public final class DefinitionReader {
  private static final Logger LOG = LoggerFactory.getLogger(DefinitionReader.class);
  private static final String DEFAULT_USER = "ggc_user:ggc_group";

  private final Path root;
  private final String thingName;
  private final ComponentStore store;
  private final NucleusConfiguration nucleus;
  private final PosixUsers users;
  private final int ownUid;
  private final Map<String, Recipe> builtIns = new LinkedHashMap<>();

  public DefinitionReader(
      Path root,
      String thingName,
      ComponentStore store,
      NucleusConfiguration nucleus,
      PosixUsers users,
      int ownUid) {
    this.root = root;
    this.thingName = thingName;
    this.store = store;
    this.nucleus = nucleus;
    this.users = users;
    this.ownUid = ownUid;
  }

  /**
   * All definitions, in the generation's order. A component that cannot be worked out is there as
   * unusable.
   */
  Map<String, Definition> read(Generation g) {
    Map<String, String> platform = Platform.attributes(nucleus.platformOverride());
    Map<String, Definition> all = new LinkedHashMap<>();
    for (Generation.Entry e : g.components().values()) {
      try {
        all.put(e.name(), usable(g, e, platform));
      } catch (NucleusException x) {
        all.put(e.name(), unusable(e, x));
      } catch (InvalidDocumentException x) {
        all.put(
            e.name(),
            unusable(e, new NucleusException(x.code(), String.valueOf(x.getMessage()), x)));
      }
    }
    return all;
  }

  private Definition usable(Generation g, Generation.Entry e, Map<String, String> platform) {
    if (BuiltInComponents.isBuiltIn(e.name())) {
      Recipe recipe = builtIn(e.name());
      return new Definition(
          e, recipe, null, JsonNodeFactory.instance.objectNode(), null, null, hard(recipe), null);
    }
    return fromStore(g, e, platform);
  }

  /**
   * The definition of what the store holds, also for a component that this process brings along
   * itself in another version; null when the store has none that can be used.
   */
  @Nullable Definition stored(Generation g, Generation.Entry e) {
    if (e.recipeDigest().isEmpty()) {
      return null;
    }
    try {
      return fromStore(g, e, Platform.attributes(nucleus.platformOverride()));
    } catch (NucleusException | InvalidDocumentException x) {
      LOG.debug("{} cannot be read: {}", e.name(), x.getMessage());
      return null;
    }
  }

  private Definition fromStore(Generation g, Generation.Entry e, Map<String, String> platform) {
    Optional<ComponentStore.StoredRecipe> stored =
        store.find(e.name(), e.version(), e.recipeDigest());
    if (stored.isEmpty()) {
      throw new NucleusException(
          "LOCAL_RECIPE_NOT_FOUND",
          "The recipe of "
              + e.name()
              + " "
              + e.version()
              + " is not on this device; deploy the component again.");
    }
    if (!e.recipeDigest().equals(stored.get().digest())) {
      throw new NucleusException(
          "LOCAL_RECIPE_CORRUPTED",
          "The stored recipe of "
              + e.name()
              + " "
              + e.version()
              + " is not the one that was deployed; deploy the component again.");
    }
    Recipe recipe = stored.get().recipe();
    Recipe.Manifest manifest = recipe.select(platform);
    RecipeVariables variables =
        new RecipeVariables(
            root,
            thingName,
            facts(e),
            name -> {
              Generation.Entry other =
                  recipe.dependencies().containsKey(name) ? g.components().get(name) : null;
              return other == null ? null : facts(other);
            });
    return new Definition(
        e,
        recipe,
        manifest,
        variables.lifecycle(recipe.lifecycleFor(manifest)),
        posixUser(e),
        e.limits() != null ? e.limits() : nucleus.runWithDefaultLimits().orElse(null),
        hard(recipe),
        null);
  }

  private Definition unusable(Generation.Entry e, NucleusException why) {
    Recipe placeholder = builtIn("aws.greengrass.Nucleus");
    return new Definition(
        e, placeholder, null, JsonNodeFactory.instance.objectNode(), null, null, Set.of(), why);
  }

  private Recipe builtIn(String name) {
    if (builtIns.isEmpty()) {
      for (Recipe r : BuiltInComponents.recipes()) {
        builtIns.put(r.componentName(), r);
      }
    }
    Recipe recipe = builtIns.get(name);
    if (recipe == null) {
      throw new NucleusException("COMPONENT_LOAD_FAILURE", "No built-in component " + name + ".");
    }
    return recipe;
  }

  private RecipeVariables.Facts facts(Generation.Entry e) {
    return new RecipeVariables.Facts(
        e.configuration(),
        store.artifacts(e.name(), e.version()),
        store.unarchived(e.name(), e.version()),
        root.resolve("work").resolve(e.name()));
  }

  /**
   * The user a component runs as: its own, the default, or {@code ggc_user} on a core that runs as
   * root. Null on a core that runs as another user: everything runs as that; and on one that runs
   * as root and was told nobody: its steps are refused (NUC-05).
   */
  @Nullable String posixUser(Generation.Entry e) {
    if (e.posixUser() != null) {
      return e.posixUser();
    }
    Optional<String> configured = nucleus.runWithDefaultPosixUser();
    if (configured.isPresent()) {
      return configured.get();
    }
    if (ownUid != 0) {
      return null;
    }
    return users.exists(DEFAULT_USER) ? DEFAULT_USER : null;
  }

  private static Set<String> hard(Recipe recipe) {
    Set<String> names = new TreeSet<>();
    recipe
        .dependencies()
        .forEach(
            (name, d) -> {
              if (d.type() == Recipe.DependencyType.HARD) {
                names.add(name);
              }
            });
    return names;
  }
}
