package io.ryegrass.nucleus;

import static org.assertj.core.api.Assertions.fail;

import io.ryegrass.model.DeploymentDocument;
import io.ryegrass.model.FailureHandlingPolicy;
import io.ryegrass.nucleus.deploy.FaultPoint;
import io.ryegrass.nucleus.store.Backoff;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.IntNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * LESSON-04 as a property: for any sequence of deployments, what is there after one that failed is
 * what was there before it: components, versions, states, configuration, and every file of theirs
 * in the store. Sequences are drawn from a seed, which is printed with the shortest sequence that
 * still fails; {@code -Dproperty.seed=… -Dproperty.sequences=…} runs others (docs/decisions:
 * written by hand).
 */
class RollbackPropertyTest {
  private static final long SEED = Long.getLong("property.seed", System.nanoTime() % 1_000_000);
  private static final int SEQUENCES = Integer.getInteger("property.sequences", 4);
  private static final int STEPS = 6;
  private static final List<String> NAMES =
      List.of("com.example.X", "com.example.Y", "com.example.Z");

  @TempDir Path temp;
  private int runs;

  /** How a component of a deployment is broken, if it is. */
  private enum Flaw {
    NONE,
    STARTUP,
    BOOTSTRAP,
    MISSING_ARTIFACT,
    MISSING_DEPENDENCY
  }

  /**
   * @param content 0 without artifacts, 1 with a file, 2 with an archive, too; and what they hold
   */
  private record Part(String name, int version, int content, boolean bootstrap, Flaw flaw) {}

  /** One deployment, with changes by the components before it. */
  private record Step(
      List<Part> merge,
      Set<String> remove,
      Map<String, Integer> configure,
      Map<String, Integer> live) {
    boolean broken() {
      return merge.stream().anyMatch(p -> p.flaw() != Flaw.NONE);
    }
  }

  private static Step draw(Random random) {
    List<Part> merge = new ArrayList<>();
    Set<String> remove = new TreeSet<>();
    Map<String, Integer> configure = new TreeMap<>();
    Map<String, Integer> live = new TreeMap<>();
    boolean bad = random.nextBoolean();
    for (String name : NAMES) {
      if (random.nextInt(3) > 0) {
        Flaw flaw =
            bad && random.nextBoolean()
                ? Flaw.values()[1 + random.nextInt(Flaw.values().length - 1)]
                : Flaw.NONE;
        merge.add(
            new Part(name, 1 + random.nextInt(2), random.nextInt(3), random.nextInt(4) == 0, flaw));
        if (random.nextBoolean()) {
          configure.put(name, random.nextInt(100));
        }
      } else if (random.nextBoolean()) {
        remove.add(name);
      }
      if (random.nextInt(3) == 0) {
        live.put(name, random.nextInt(100));
      }
    }
    return new Step(merge, remove, configure, live);
  }

  @Test
  void the_state_after_a_rollback_is_the_state_before_for_any_sequence_of_deployments()
      throws Exception {
    for (int i = 0; i < SEQUENCES; i++) {
      Random random = new Random(SEED * 31 + i);
      List<Step> steps = new ArrayList<>();
      for (int s = 0; s < STEPS; s++) {
        steps.add(draw(random));
      }
      String wrong = run(steps);
      if (wrong != null) {
        fail(shortest(steps, wrong));
      }
    }
  }

  /** Leaves out steps as long as it still fails. */
  private String shortest(List<Step> failing, String wrong) throws Exception {
    List<Step> steps = failing;
    String why = wrong;
    for (int i = 0; i < steps.size() && steps.size() > 1; ) {
      List<Step> fewer = new ArrayList<>(steps);
      fewer.remove(i);
      String still = run(fewer);
      if (still == null) {
        i++;
      } else {
        steps = fewer;
        why = still;
      }
    }
    StringBuilder text = new StringBuilder(why + "\nseed " + SEED + ", shortest sequence:");
    steps.forEach(s -> text.append("\n  ").append(s));
    return text.toString();
  }

  /** What was wrong, or null. */
  private @Nullable String run(List<Step> steps) throws Exception {
    Path folder = Files.createDirectories(temp.resolve("run-" + ++runs));
    Path root = folder.resolve("root");
    try (Nucleus nucleus =
        Nucleus.open(
            new NucleusSettings(
                root,
                Clock.systemUTC(),
                Duration.ofSeconds(2),
                Duration.ofSeconds(30),
                System.getProperty("user.name")),
            List.of(),
            List.of(),
            CloudPorts.offline(),
            new Backoff(Duration.ofMillis(10), Duration.ofMillis(50), new Random()),
            FaultPoint.NONE)) {
      nucleus.start();
      int number = 0;
      for (Step step : steps) {
        for (Map.Entry<String, Integer> live : step.live().entrySet()) {
          if (nucleus.components().find(live.getKey()).isPresent()) {
            nucleus
                .components()
                .updateConfiguration(
                    live.getKey(),
                    List.of("live"),
                    IntNode.valueOf(live.getValue()),
                    Instant.now());
          }
        }
        if (step.merge().isEmpty() && step.remove().isEmpty()) {
          continue;
        }
        String before = state(nucleus, root);
        LocalDeployments.Status end = deploy(nucleus, folder.resolve("asked-" + ++number), step);
        if (step.broken() != end.status().equals("FAILED")) {
          return step + " ended " + end;
        }
        if (end.status().equals("FAILED")) {
          if (!Set.of("FAILED_ROLLBACK_COMPLETE", "FAILED_NO_STATE_CHANGE")
              .contains(end.detailedStatus())) {
            return step + " was not rolled back: " + end;
          }
          String after = state(nucleus, root);
          if (!after.equals(before)) {
            return step + " left\n" + after + "\nwhere there was\n" + before;
          }
        }
      }
      return null;
    }
  }

  private static LocalDeployments.Status deploy(Nucleus nucleus, Path folder, Step step)
      throws IOException {
    Path recipes = Files.createDirectories(folder.resolve("recipes"));
    Path artifacts = Files.createDirectories(folder.resolve("artifacts"));
    Map<String, String> merge = new LinkedHashMap<>();
    Map<String, DeploymentDocument.ConfigurationUpdate> updates = new LinkedHashMap<>();
    for (Part part : step.merge()) {
      write(part, recipes, artifacts);
      merge.put(part.name(), part.version() + ".0.0");
      Integer value = step.configure().get(part.name());
      if (value != null) {
        ObjectNode update = JsonNodeFactory.instance.objectNode().put("set", value);
        updates.put(
            part.name(),
            new DeploymentDocument.ConfigurationUpdate(
                update, value % 3 == 0 ? List.of("/deep") : List.of()));
      }
    }
    String id =
        nucleus
            .localDeployments()
            .create(
                new LocalDeployments.Request(
                    null,
                    merge,
                    List.copyOf(step.remove()),
                    updates,
                    Map.of(),
                    recipes,
                    artifacts,
                    FailureHandlingPolicy.ROLLBACK));
    return Awaitility.await()
        .pollInterval(Duration.ofMillis(5))
        .atMost(Duration.ofSeconds(60))
        .until(
            () -> nucleus.localDeployments().find(id).orElseThrow(),
            s -> !s.detailedStatus().isEmpty());
  }

  private static void write(Part p, Path recipes, Path artifacts) throws IOException {
    Path own = Files.createDirectories(artifacts.resolve(p.name()).resolve(p.version() + ".0.0"));
    String uris = "";
    if (p.content() > 0) {
      Files.writeString(own.resolve("file.txt"), "content " + p.content());
      uris += "{URI: 's3://b/file.txt'}";
    }
    if (p.content() > 1) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
        zip.putNextEntry(new ZipEntry("in/side.txt"));
        zip.write(p.toString().getBytes(StandardCharsets.UTF_8));
      }
      Files.write(own.resolve("tree.zip"), bytes.toByteArray());
      uris += ", {URI: 's3://b/tree.zip', Unarchive: ZIP}";
    }
    if (p.flaw() == Flaw.MISSING_ARTIFACT) {
      uris += (uris.isEmpty() ? "" : ", ") + "{URI: 's3://b/nowhere.txt'}";
    }
    String bootstrap =
        p.flaw() == Flaw.BOOTSTRAP
            ? "Bootstrap: 'exit 4', "
            : p.bootstrap() ? "Bootstrap: 'true', " : "";
    Files.writeString(
        recipes.resolve(p.name() + ".yaml"),
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: %s
        ComponentVersion: %d.0.0
        ComponentDescription: content %d
        ComponentConfiguration: {DefaultConfiguration: {v%d: 1, deep: {a: 1, b: [1, 2]}}}
        ComponentDependencies: {%s}
        Manifests:
          - Platform: {os: linux}
            Lifecycle: {%sStartup: '%s'}
            Artifacts: [%s]
        """
            .formatted(
                p.name(),
                p.version(),
                p.content(),
                p.version(),
                p.flaw() == Flaw.MISSING_DEPENDENCY
                    ? "com.example.Nowhere: {VersionRequirement: '1.0.0'}"
                    : "",
                bootstrap,
                p.flaw() == Flaw.STARTUP
                    ? "exit 5"
                    : p.content() > 0 ? "test -f {artifacts:path}/file.txt" : "true",
                uris));
  }

  /** All that a rollback has to bring back, as text. */
  private static String state(Nucleus nucleus, Path root) throws Exception {
    StringBuilder text = new StringBuilder();
    Map<String, String> running = new TreeMap<>();
    Awaitility.await()
        .atMost(Duration.ofSeconds(30))
        .until(
            () ->
                nucleus.components().list().stream()
                    .allMatch(
                        s ->
                            s.state() == ComponentState.RUNNING
                                || s.state() == ComponentState.FINISHED));
    nucleus.components().list().forEach(s -> running.put(s.name(), s.version() + " " + s.state()));
    text.append(running).append('\n').append(nucleus.config().effective());
    Path packages = root.resolve("packages");
    try (Stream<Path> walk = Files.walk(packages)) {
      for (Path p : walk.filter(Files::isRegularFile).sorted().toList()) {
        String name = packages.relativize(p).toString();
        boolean needed =
            running.entrySet().stream()
                .anyMatch(
                    e -> {
                      String version = e.getValue().substring(0, e.getValue().indexOf(' '));
                      return name.contains("/" + e.getKey() + "/" + version + "/")
                          || name.contains("@" + version + ".recipe") && holds(p, e.getKey());
                    });
        if (needed) {
          text.append('\n')
              .append(name)
              .append(' ')
              .append(
                  HexFormat.of()
                      .formatHex(
                          MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(p)),
                          0,
                          4));
        }
      }
    }
    return text.toString();
  }

  private static boolean holds(Path recipe, String component) {
    try {
      return Files.readString(recipe).contains("ComponentName: " + component);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
