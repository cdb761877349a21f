package io.ryegrass.nucleus.store;

import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.DurableFiles;
import io.ryegrass.model.ComponentVersion;
import io.ryegrass.model.InvalidDocumentException;
import io.ryegrass.model.Json;
import io.ryegrass.model.Recipe;
import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;

/**
 * Recipes and artifacts on disk in the layout of v2-recipes-config.md section 1.1. Recipes are
 * stored as received (JSON is YAML).
 */
public final class ComponentStore {
  private static final Logger LOG = LoggerFactory.getLogger(ComponentStore.class);

  static final String RECIPES = "recipes";
  static final String ARTIFACTS = "artifacts";
  static final String UNARCHIVED = "artifacts-unarchived";

  /** How the names of the two files of a recipe end. */
  static final List<String> RECIPE_FILES = List.of(".recipe.yaml", ".metadata.json");

  private final Path root;
  private final Path packages;
  private final Path recipes;
  private final Path artifacts;
  private final Path unarchived;
  private volatile @Nullable Replaced replaced;

  /**
   * Recipes that somebody uses, by the digest of their text: a recipe of a running component is
   * parsed once.
   */
  private final Map<String, WeakReference<Recipe>> parsed = new ConcurrentHashMap<>();

  private static final int PARSED = 1000;

  /**
   * A recipe of this store.
   *
   * @param arn component version ARN, empty for local ones
   * @param digest SHA-256 (hex) of the file
   */
  public record StoredRecipe(Recipe recipe, String arn, String digest) {}

  public ComponentStore(Path root) {
    this.root = root;
    this.packages = root.resolve("packages");
    this.recipes = packages.resolve(RECIPES);
    this.artifacts = packages.resolve(ARTIFACTS);
    this.unarchived = packages.resolve(UNARCHIVED);
  }

  public Path root() {
    return root;
  }

  /**
   * From now on what is brought for versions that run waits beside the store until {@link
   * #takeAgain}, and what is replaced is kept, so that the deployment can be undone: versions of
   * components are meant not to change, but local deployments change them (CLI-02), and so does who
   * makes a version anew in the cloud.
   *
   * @param undo folder of one deployment, or null when nothing is to be kept
   * @param running {@code name@version} of what the state before the deployment needs
   */
  public void keepReplaced(@Nullable Path undo, Set<String> running) {
    Set<String> names = new HashSet<>(running);
    running.forEach(v -> names.add(recipeStem(v)));
    replaced = undo == null ? null : new Replaced(packages, undo, names);
  }

  /** Puts back what was replaced, and forgets it. */
  public void putBack(Path undo) {
    new Replaced(packages, undo, Set.of()).putBack();
  }

  /** Forgets what was replaced: the deployment stands. */
  public void forgetReplaced(Path undo) {
    new Replaced(packages, undo, Set.of()).forget();
  }

  /**
   * Puts back what was replaced until {@link #takeAgain}: what runs is started with its own files
   * while a deployment under way, already applied in part, has brought others.
   */
  public void setAside(Path undo) {
    new Replaced(packages, undo, Set.of()).setAside();
  }

  /** Brings into the store what waits beside it for the deployment of {@link #keepReplaced}. */
  public void takeAgain() {
    Replaced r = replaced;
    if (r != null) {
      r.takeAgain();
    }
  }

  private void aside(Path file) {
    Replaced r = replaced;
    if (r != null) {
      r.keep(file);
    }
  }

  private Path landing(Path file) {
    Replaced r = replaced;
    return r == null ? file : r.landing(file);
  }

  /** The file that the deployment under way is about, wherever it lies now. */
  Path seen(Path file) {
    Replaced r = replaced;
    return r == null ? file : r.seen(file);
  }

  /** Takes a folder or file away, so that it can be put back if somebody wants that. */
  void remove(Path top) {
    Path landing = landing(top);
    if (landing.equals(top)) {
      aside(top);
    }
    deleteTree(landing);
  }

  /** Puts a finished file or folder under its name; what had the name is kept as it has to be. */
  void place(Path finished, Path target) {
    Path landing = landing(target);
    if (Files.isDirectory(landing, java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
      remove(target);
    } else if (landing.equals(target)) {
      aside(target);
    }
    DurableFiles.move(finished, landing);
  }

  /** Replaces a small file, unless it is what it is to be. */
  private void write(Path file, byte[] content) {
    byte[] old = DurableFiles.read(seen(file)).orElse(null);
    if (old != null && MessageDigest.isEqual(old, content)) {
      return;
    }
    Path landing = landing(file);
    if (landing.equals(file)) {
      aside(file);
    }
    DurableFiles.writeAtomically(landing, content);
  }

  /** Bytes of all files in the store. */
  public long size() {
    try (Stream<Path> walk = Files.exists(packages) ? Files.walk(packages) : Stream.empty()) {
      long sum = 0;
      for (Path p : walk.filter(Files::isRegularFile).toList()) {
        sum += Files.size(p);
      }
      return sum;
    } catch (IOException | java.io.UncheckedIOException e) {
      LOG.warn("The size of {} cannot be told: {}", packages, e.getMessage());
      return 0;
    }
  }

  public Path artifacts(String name, String version) {
    return artifacts.resolve(name).resolve(version);
  }

  public Path unarchived(String name, String version) {
    return unarchived.resolve(name).resolve(version);
  }

  /** Stores a recipe durably; an equal one is not written again. */
  public StoredRecipe save(Recipe recipe, byte[] text, String arn) {
    String version = recipe.componentVersion().text();
    write(recipeFile(recipe.componentName(), version), text);
    write(
        metadataFile(recipe.componentName(), version),
        Json.bytes(Json.object().put("componentVersionArn", arn)));
    String digest = digest(text);
    Recipe known = known(digest);
    return new StoredRecipe(known == null ? remember(digest, recipe) : known, arn, digest);
  }

  private static String digest(byte[] text) {
    return HexFormat.of().formatHex(sha256().digest(text));
  }

  private @Nullable Recipe known(String digest) {
    WeakReference<Recipe> known = parsed.get(digest);
    return known == null ? null : known.get();
  }

  private Recipe remember(String digest, Recipe recipe) {
    if (parsed.size() >= PARSED) {
      parsed.values().removeIf(r -> r.refersTo(null));
    }
    parsed.put(digest, new WeakReference<>(recipe));
    return recipe;
  }

  /**
   * Reads a stored recipe.
   *
   * @throws NucleusException LOCAL_RECIPE_CORRUPTED
   */
  public Optional<StoredRecipe> find(String name, String version) {
    return find(name, version, recipeFile(name, version), metadataFile(name, version));
  }

  /**
   * As {@link #find(String, String)}, but what the deployment under way has brought comes first.
   */
  Optional<StoredRecipe> findSeen(String name, String version) {
    return find(name, version, seen(recipeFile(name, version)), seen(metadataFile(name, version)));
  }

  /**
   * The recipe with this digest: of what runs, or of what a deployment under way has brought; one
   * with another digest when none has it.
   */
  public Optional<StoredRecipe> find(String name, String version, String digest) {
    if (replaced == null) {
      return find(name, version);
    }
    Optional<StoredRecipe> brought = findSeen(name, version);
    return brought.filter(r -> r.digest().equals(digest)).isPresent()
        ? brought
        : find(name, version);
  }

  private Optional<StoredRecipe> find(String name, String version, Path file, Path metadata) {
    Optional<byte[]> text = DurableFiles.read(file);
    if (text.isEmpty()) {
      return Optional.empty();
    }
    String digest = digest(text.get());
    Recipe known = known(digest);
    try {
      Recipe recipe = known == null ? remember(digest, Recipe.parse(text.get())) : known;
      return Optional.of(new StoredRecipe(recipe, arn(name, version, metadata), digest));
    } catch (InvalidDocumentException e) {
      throw new NucleusException(
          "LOCAL_RECIPE_CORRUPTED",
          "The stored recipe of "
              + name
              + " "
              + version
              + " cannot be read ("
              + e.getMessage()
              + "); deploy the component again.",
          e);
    }
  }

  private static String arn(String name, String version, Path metadata) {
    return DurableFiles.read(metadata)
        .map(
            b -> {
              try {
                return Json.read(b).path("componentVersionArn").asString("");
              } catch (JacksonException e) {
                LOG.warn("Metadata of {} {} cannot be read; treated as local", name, version);
                return "";
              }
            })
        .orElse("");
  }

  /** Versions of a component on this device, newest first. */
  public List<ComponentVersion> versions(String name) {
    List<ComponentVersion> found = new ArrayList<>();
    String prefix = hash(name) + "@";
    String suffix = ".recipe.yaml";
    if (!Files.isDirectory(recipes)) {
      return found;
    }
    try (Stream<Path> files = Files.list(recipes)) {
      files.forEach(
          p -> {
            String file = String.valueOf(p.getFileName());
            if (file.startsWith(prefix) && file.endsWith(suffix)) {
              found.add(
                  ComponentVersion.parse(
                      file.substring(prefix.length(), file.length() - suffix.length())));
            }
          });
    } catch (IOException e) {
      throw new NucleusException("IO_READ_ERROR", "Cannot list " + recipes + ".", e);
    }
    found.sort(Comparator.reverseOrder());
    return found;
  }

  /**
   * Takes over all recipes below a folder (v2-deployments.md section 16).
   *
   * @throws InvalidDocumentException when one cannot be parsed
   */
  public void takeRecipes(Path folder) {
    try (Stream<Path> walk = Files.walk(folder, 5)) {
      for (Path p : walk.filter(Files::isRegularFile).toList()) {
        String name = String.valueOf(p.getFileName());
        if (name.endsWith(".yaml") || name.endsWith(".yml") || name.endsWith(".json")) {
          byte[] text = Files.readAllBytes(p);
          save(Recipe.parse(text), text, "");
        }
      }
    } catch (IOException e) {
      throw new NucleusException(
          "IO_READ_ERROR", "Cannot read the recipes in " + folder + ": " + e.getMessage() + ".", e);
    }
  }

  /** Copies {@code <component>/<version>/<file>} over the artifacts of this store. */
  public void takeArtifacts(Path folder) {
    for (Path component : list(folder)) {
      for (Path version : list(component)) {
        String name = String.valueOf(component.getFileName());
        String number = String.valueOf(version.getFileName());
        for (Path file : list(version)) {
          if (Files.isRegularFile(file)) {
            take(file, name, number);
          }
        }
      }
    }
  }

  private void take(Path file, String name, String version) {
    String fileName = String.valueOf(file.getFileName());
    Path target = artifacts(name, version).resolve(fileName);
    Path part = target.resolveSibling("." + fileName + ".new");
    try {
      Path present = seen(target);
      if (Files.isRegularFile(present) && Files.mismatch(file, present) < 0) {
        return;
      }
      DurableFiles.createDirectories(artifacts(name, version));
      Files.copy(file, part, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new NucleusException(
          "IO_WRITE_ERROR",
          "Cannot copy " + file + " to " + target + " (" + e.getMessage() + "); check the disk.",
          e);
    }
    DurableFiles.syncFile(part);
    // Unpacked anew when the deployment prepares the artifacts; first, so that after a kill in
    // between nothing that was unpacked of the old file lies beside the new one.
    remove(unarchived(name, version).resolve(ArtifactPreparer.stem(fileName)));
    place(part, target);
  }

  /**
   * Removes what no generation needs. Never touches a kept version's files (LESSON-03).
   *
   * @param keep {@code name@version}
   */
  public void collect(Set<String> keep) {
    Set<String> keptRecipes = new HashSet<>();
    keep.forEach(k -> keptRecipes.add(recipeStem(k)));
    for (Path p : list(recipes)) {
      String file = String.valueOf(p.getFileName());
      String stem = file.replace(".recipe.yaml", "").replace(".metadata.json", "");
      if (!stem.equals(file) && !keptRecipes.contains(stem)) {
        DurableFiles.delete(p);
      }
    }
    for (Path top : List.of(artifacts, unarchived)) {
      for (Path component : list(top)) {
        for (Path version : list(component)) {
          if (!keep.contains(component.getFileName() + "@" + version.getFileName())) {
            deleteTree(version);
          }
        }
      }
    }
  }

  /**
   * The container images that some component versions name, for whatever platform.
   *
   * @param versions {@code name@version}
   */
  public Set<String> images(Set<String> versions) {
    Set<String> uris = new HashSet<>();
    for (String v : versions) {
      int at = v.lastIndexOf('@');
      try {
        find(v.substring(0, at), v.substring(at + 1))
            .ifPresent(
                r ->
                    r.recipe().manifests().stream()
                        .flatMap(m -> m.artifacts().stream())
                        .filter(a -> a.scheme().equals("docker"))
                        .forEach(a -> uris.add(a.uri())));
      } catch (NucleusException e) {
        LOG.warn("The images of {} are not known: {}", v, e.getMessage());
      }
    }
    return uris;
  }

  private static List<Path> list(Path folder) {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> children = Files.list(folder)) {
      return children.toList();
    } catch (IOException e) {
      LOG.warn("Cannot list {} to tidy it up: {}", folder, e.getMessage());
      return List.of();
    }
  }

  /** Removes a folder with all in it; what cannot be removed is logged and left. */
  static void deleteTree(Path top) {
    try {
      DurableFiles.deleteTree(top);
    } catch (DurableException e) {
      LOG.warn("{}", e.getMessage());
    }
  }

  private Path recipeFile(String name, String version) {
    return recipes.resolve(hash(name) + "@" + version + ".recipe.yaml");
  }

  private Path metadataFile(String name, String version) {
    return recipes.resolve(hash(name) + "@" + version + ".metadata.json");
  }

  /** How the names of a recipe's files begin, by {@code name@version}. */
  private static String recipeStem(String component) {
    int at = component.lastIndexOf('@');
    return hash(component.substring(0, at)) + component.substring(at);
  }

  private static String hash(String name) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(sha256().digest(name.getBytes(StandardCharsets.UTF_8)));
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java has SHA-256.", e);
    }
  }
}
