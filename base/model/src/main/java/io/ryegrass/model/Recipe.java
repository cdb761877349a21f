package io.ryegrass.model;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * A component recipe, format 2020-01-25 (v2-recipes-config.md §1). Reading is without regard to the
 * case of field and enum names and ignores unknown fields; writing uses the spelling of the guide.
 *
 * <p>The JSON trees inside ({@code defaultConfiguration}, life cycles) belong to the recipe:
 * callers copy before they change them.
 *
 * @param lifecycle the global life cycle; empty when the recipe has none
 */
public record Recipe(
    String componentName,
    ComponentVersion componentVersion,
    ComponentType componentType,
    String description,
    String publisher,
    String componentSource,
    ObjectNode defaultConfiguration,
    Map<String, Dependency> dependencies,
    List<Manifest> manifests,
    ObjectNode lifecycle) {

  public Recipe {
    dependencies = RecipeReader.ordered(dependencies);
    manifests = List.copyOf(manifests);
  }

  /** Another component that this one needs. */
  public record Dependency(VersionRequirement versionRequirement, DependencyType type) {}

  /** HARD: start after it and restart with it. SOFT: only deployed along. */
  public enum DependencyType {
    HARD,
    SOFT
  }

  /**
   * What to do on one platform.
   *
   * @param name display only
   * @param platform attribute to template; empty matches every device
   * @param lifecycle empty when the global one counts
   * @param selections names of branches of the global life cycle
   */
  public record Manifest(
      String name,
      Map<String, String> platform,
      ObjectNode lifecycle,
      List<String> selections,
      List<Artifact> artifacts) {
    public Manifest {
      platform = RecipeReader.ordered(platform);
      selections = List.copyOf(selections);
      artifacts = List.copyOf(artifacts);
    }
  }

  /**
   * A file of the component.
   *
   * @param uri {@code s3://bucket/key}, {@code greengrass:file} or {@code docker:image}
   * @param digest base64, filled in by the cloud at creation
   * @param algorithm of the digest, {@code SHA-256}
   */
  public record Artifact(
      String uri,
      @Nullable String digest,
      @Nullable String algorithm,
      Unarchive unarchive,
      Permission permission) {

    /** The last path element of the URI: the file's name on the device. */
    public String fileName() {
      String path = uri.substring(uri.indexOf(':') + 1);
      if (scheme().equals("https")) {
        path = path.split("[?#]", 2)[0];
      }
      return path.substring(path.lastIndexOf('/') + 1);
    }

    /** The part before the first colon in lower case, empty when there is none. */
    public String scheme() {
      int colon = uri.indexOf(':');
      return colon < 0 ? "" : uri.substring(0, colon).toLowerCase(java.util.Locale.ROOT);
    }
  }

  /** Whether an artifact is unpacked after the download. */
  public enum Unarchive {
    NONE,
    ZIP,
    /** Ours: a TAR file, plain or packed with gzip. */
    TAR
  }

  /** Who may read and who may run an artifact's files; to run implies to read. */
  public record Permission(Access read, Access execute) {
    /** Read OWNER, execute NONE. */
    public static final Permission DEFAULT = new Permission(Access.OWNER, Access.NONE);
  }

  /** To whom a permission is given; OWNER is the user the component runs as. */
  public enum Access {
    NONE,
    OWNER,
    ALL
  }

  /**
   * Reads a recipe in JSON or YAML.
   *
   * @throws InvalidDocumentException with code {@code RECIPE_PARSE_ERROR}, {@code
   *     RECIPE_MISSING_MANIFEST}, {@code COMPONENT_VERSION_NOT_VALID}, {@code
   *     COMPONENT_DEPENDENCY_NOT_VALID}, {@code EMPTY_ARTIFACT_URI}, {@code EMPTY_ARTIFACT_SCHEME}
   *     or {@code ARTIFACT_URI_NOT_VALID} (TRB-51)
   */
  public static Recipe parse(byte[] yamlOrJson) {
    return RecipeReader.read(yamlOrJson);
  }

  /** The recipe as JSON, fields spelled as in the guide. Reading it again gives an equal recipe. */
  public ObjectNode toJson() {
    return RecipeWriter.write(this);
  }

  /**
   * The first manifest that fits a device's attributes (§2).
   *
   * @throws InvalidDocumentException code {@code NO_AVAILABLE_COMPONENT_VERSION} when none fits
   */
  public Manifest select(Map<String, String> platform) {
    for (Manifest manifest : manifests) {
      if (PlatformMatcher.matches(manifest.platform(), platform)) {
        return manifest;
      }
    }
    throw new InvalidDocumentException(
        "NO_AVAILABLE_COMPONENT_VERSION",
        "Component "
            + componentName
            + " version "
            + componentVersion.text()
            + " doesn't claim platform "
            + platform
            + " compatibility; add a manifest whose Platform fits this device, or one without Platform");
  }

  /** The life cycle that counts for one of this recipe's manifests (§3, Selections). */
  public ObjectNode lifecycleFor(Manifest manifest) {
    return LifecycleSelection.select(this, manifest);
  }

  /** A copy with other manifests, for example with digests filled in. */
  public Recipe withManifests(List<Manifest> other) {
    return new Recipe(
        componentName,
        componentVersion,
        componentType,
        description,
        publisher,
        componentSource,
        defaultConfiguration,
        dependencies,
        other,
        lifecycle);
  }
}
