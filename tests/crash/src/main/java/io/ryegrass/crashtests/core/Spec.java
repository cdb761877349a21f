package io.ryegrass.crashtests.core;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * One component version with one content, as its developer would write it. Two specs of one name
 * and version with another salt are the same version with other recipes and artifacts, as they
 * happen in local development.
 *
 * @param needs another component that it depends on, or null
 * @param defaults default configuration; all leaves are text
 * @param blobBytes size of its artifact {@code blob.bin}, 0 for none
 * @param zip whether it has an archive, too
 * @param salt makes its bytes its own
 */
record Spec(
    String name,
    String version,
    Behaviour behaviour,
    @Nullable String needs,
    Map<String, Object> defaults,
    int blobBytes,
    boolean zip,
    int salt) {
  /** What the component does when it is deployed. */
  enum Behaviour {
    RUNS(false),
    STARTS(false),
    FINISHES(false),
    STARTS_SLOWLY(false),
    INSTALLS(false),
    BOOTSTRAPS(false),
    /** Its bootstrap step asks for a restart of the nucleus (exit code 100). */
    RESTARTS(false),
    BREAKS_INSTALL(true),
    BREAKS_STARTUP(true),
    BREAKS_RUN(true),
    BREAKS_BOOTSTRAP(true),
    /** The artifact is not what the recipe's digest says. */
    WRONG_DIGEST(true),
    /** The recipe names an artifact that is nowhere. */
    NO_ARTIFACT(true),
    /** It depends on something that does not exist. */
    NO_DEPENDENCY(true);

    private final boolean broken;

    Behaviour(boolean broken) {
      this.broken = broken;
    }

    /** Whether it lacks something that a cloud might have (the right artifact, say). */
    boolean missing() {
      return this == NO_ARTIFACT || this == WRONG_DIGEST || this == NO_DEPENDENCY;
    }

    /** Whether a deployment of it has to fail. */
    boolean broken() {
      return broken;
    }
  }

  static final String PREFIX = "com.example.crash.";

  /** A core that is root runs nothing for which nobody named a user, but for privileged steps. */
  private static final boolean AS_ROOT = "root".equals(System.getProperty("user.name"));

  private static final JsonMapper JSON = JsonMapper.builder().build();

  static Spec draw(
      SplittableRandom random, String name, @Nullable String needs, Behaviour behaviour) {
    Map<String, Object> defaults = new LinkedHashMap<>();
    defaults.put("m0", "default" + random.nextInt(100));
    defaults.put("deep", new LinkedHashMap<>(Map.of("a", "default" + random.nextInt(100))));
    if (random.nextBoolean()) {
      defaults.put("extra" + random.nextInt(3), "default");
    }
    boolean must = behaviour == Behaviour.WRONG_DIGEST || behaviour == Behaviour.NO_ARTIFACT;
    int blob = must || random.nextInt(3) > 0 ? 1 + random.nextInt(2_000_000) : 0;
    return new Spec(
        name,
        (1 + random.nextInt(4)) + ".0.0",
        behaviour,
        needs,
        defaults,
        blob,
        random.nextInt(3) == 0,
        random.nextInt(1_000_000));
  }

  String key() {
    return name + "@" + version;
  }

  /** Whether a process of it lives as long as it runs. */
  boolean staysAlive() {
    return switch (behaviour) {
      case RUNS, INSTALLS, BOOTSTRAPS, RESTARTS -> true;
      default -> false;
    };
  }

  private byte[] blob() {
    byte[] bytes = new byte[blobBytes];
    new Random(salt).nextBytes(bytes);
    return bytes;
  }

  /**
   * Writes recipe and artifacts where a local deployment looks for them.
   *
   * @param mark number that makes its process recognisable
   */
  void write(Path recipes, Path artifacts, String mark) {
    try {
      Path own = Files.createDirectories(artifacts.resolve(name).resolve(version));
      if (blobBytes > 0 && behaviour != Behaviour.NO_ARTIFACT) {
        Files.write(own.resolve("blob.bin"), blob());
      }
      if (zip) {
        Files.write(own.resolve("tree.zip"), archive());
      }
      Files.write(
          recipes.resolve(name + "-" + version + ".json"), JSON.writeValueAsBytes(recipe(mark)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Map<String, Object> recipe(String mark) {
    Map<String, Object> recipe = new LinkedHashMap<>();
    recipe.put("RecipeFormatVersion", "2020-01-25");
    recipe.put("ComponentName", name);
    recipe.put("ComponentVersion", version);
    recipe.put("ComponentDescription", "salt " + salt);
    recipe.put("ComponentConfiguration", Map.of("DefaultConfiguration", defaults));
    Map<String, Object> dependencies = new LinkedHashMap<>();
    if (needs != null) {
      dependencies.put(
          needs,
          Map.of(
              "VersionRequirement",
              ">=1.0.0 <9.0.0",
              "DependencyType",
              salt % 2 == 0 ? "HARD" : "SOFT"));
    }
    if (behaviour == Behaviour.NO_DEPENDENCY) {
      dependencies.put(PREFIX + "Nowhere", Map.of("VersionRequirement", ">=1.0.0"));
    }
    recipe.put("ComponentDependencies", dependencies);
    List<Object> files = new ArrayList<>();
    if (blobBytes > 0) {
      String digest =
          java.util.Base64.getEncoder()
              .encodeToString(
                  sha256(
                      behaviour == Behaviour.WRONG_DIGEST
                          ? "other".getBytes(StandardCharsets.UTF_8)
                          : blob()));
      files.add(
          new LinkedHashMap<>(
              Map.of("URI", "s3://bucket/blob.bin", "Digest", digest, "Algorithm", "SHA-256")));
    }
    if (zip) {
      files.add(new LinkedHashMap<>(Map.of("URI", "s3://bucket/tree.zip", "Unarchive", "ZIP")));
    }
    Map<String, Object> manifest = new LinkedHashMap<>();
    manifest.put("Platform", Map.of("os", "linux"));
    manifest.put("Lifecycle", lifecycle(mark));
    if (!files.isEmpty()) {
      manifest.put("Artifacts", files);
    }
    recipe.put("Manifests", List.of(manifest));
    return recipe;
  }

  /** The component looks at its files itself: half of an artifact breaks it. */
  private String verify() {
    StringBuilder script = new StringBuilder();
    if (blobBytes > 0) {
      script
          .append("test \"$(sha256sum < {artifacts:path}/blob.bin | cut -c1-64)\" = ")
          .append(HexFormat.of().formatHex(sha256(blob())))
          .append(" || exit 9; ");
    }
    if (zip) {
      script
          .append("test \"$(cat {artifacts:decompressedPath}/tree/sub/b.txt)\" = b")
          .append(salt)
          .append(" || exit 9; ");
    }
    return script.toString();
  }

  private Map<String, Object> lifecycle(String mark) {
    String live =
        verify()
            + "echo $SVCUID > {work:path}/svcuid.new; mv {work:path}/svcuid.new {work:path}/svcuid; "
            + "exec sleep "
            + mark;
    Map<String, Object> steps = new LinkedHashMap<>();
    switch (behaviour) {
      case RUNS, WRONG_DIGEST, NO_ARTIFACT, NO_DEPENDENCY -> steps.put("Run", live);
      case STARTS -> steps.put("Startup", verify() + "true");
      case STARTS_SLOWLY -> steps.put("Startup", verify() + "sleep 0.4");
      case FINISHES -> steps.put("Run", verify() + "true");
      case INSTALLS -> {
        steps.put("Install", verify() + "sleep 0.1");
        steps.put("Run", live);
      }
      case BOOTSTRAPS -> {
        steps.put("Bootstrap", verify() + "sleep 0.1");
        steps.put("Run", live);
      }
      case RESTARTS -> {
        steps.put("Bootstrap", verify() + "exit 100");
        steps.put("Run", live);
      }
      case BREAKS_INSTALL -> {
        steps.put("Install", "exit 3");
        steps.put("Run", live);
      }
      case BREAKS_STARTUP -> steps.put("Startup", "exit 3");
      case BREAKS_RUN -> steps.put("Run", "exit 3");
      case BREAKS_BOOTSTRAP -> {
        steps.put("Bootstrap", "exit 3");
        steps.put("Run", live);
      }
    }
    steps.replaceAll((step, script) -> Map.of("Script", script, "RequiresPrivilege", AS_ROOT));
    return steps;
  }

  private byte[] archive() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream out = new ZipOutputStream(bytes)) {
      for (String entry : List.of("a.txt", "sub/b.txt", "sub/deep/c.txt")) {
        out.putNextEntry(new ZipEntry(entry));
        String text = entry.replaceAll(".*/|\\.txt", "") + salt;
        out.write(text.getBytes(StandardCharsets.UTF_8));
      }
    }
    return bytes.toByteArray();
  }

  static byte[] sha256(byte[] bytes) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(bytes);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public String toString() {
    return name.substring(PREFIX.length())
        + " "
        + version
        + " "
        + behaviour
        + (needs == null ? "" : " needs " + needs.substring(PREFIX.length()))
        + " #"
        + salt;
  }
}
