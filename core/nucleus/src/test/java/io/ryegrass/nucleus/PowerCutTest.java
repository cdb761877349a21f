package io.ryegrass.nucleus;

import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.durable.crash.CrashDisk;
import io.ryegrass.model.FailureHandlingPolicy;
import io.ryegrass.nucleus.config.CoreConfigFile;
import io.ryegrass.nucleus.config.Generation;
import io.ryegrass.nucleus.config.GenerationStore;
import io.ryegrass.nucleus.deploy.FaultPoint;
import io.ryegrass.nucleus.store.Backoff;
import io.ryegrass.nucleus.store.ComponentStore;
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
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import tools.jackson.databind.node.IntNode;

/**
 * A nucleus that deploys, is configured and rolls back, on a disk that loses, tears and reorders
 * what was not synced: after each power cut it opens, knows who it is, has a whole generation with
 * all its files, and keeps what it had acknowledged (LESSON-02, "cannot be bricked").
 */
@ResourceLock("io.ryegrass.durable.DiskWatch") // which tells one test at a time
class PowerCutTest {
  private static final int ONE_OF = Integer.getInteger("crash.oneOf", 20);
  private static final long SEED = Long.getLong("crash.seed", System.nanoTime());

  @TempDir Path temp;
  private final TestCloud cloud = new TestCloud();

  /** What holds after each cut from a step on. */
  private record Promise(int from, Set<String> versions, List<String> keys, List<String> known) {}

  private static Nucleus open(Path root, CloudPorts cloud) {
    return Nucleus.open(
        new NucleusSettings(root, Clock.systemUTC(), Duration.ofSeconds(2), Duration.ofSeconds(30)),
        List.of(),
        List.of(),
        cloud,
        new Backoff(Duration.ofMillis(10), Duration.ofMillis(50), new Random()),
        FaultPoint.NONE);
  }

  private void version(String version, String startup) throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      for (String name : List.of("a.txt", "d/b.txt")) {
        zip.putNextEntry(new ZipEntry(name));
        zip.write((name + version).getBytes(StandardCharsets.UTF_8));
      }
    }
    String uri = "greengrass:app-" + version + ".zip";
    cloud.artifacts.put(uri, bytes.toByteArray());
    cloud.recipe(
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: com.example.A
        ComponentVersion: %s
        ComponentConfiguration: {DefaultConfiguration: {}}
        Manifests:
          - Platform: {os: linux}
            Lifecycle: {Startup: '%s'}
            Artifacts: [{URI: '%s', Digest: '%s', Algorithm: SHA-256, Unarchive: ZIP}]
        """
            .formatted(
                version,
                startup,
                uri,
                Base64.getEncoder()
                    .encodeToString(
                        MessageDigest.getInstance("SHA-256").digest(bytes.toByteArray()))));
  }

  @Test
  void after_every_cut_the_core_opens_with_its_identity_a_whole_generation_and_all_it_acknowledged()
      throws Exception {
    Path root = TestCloud.provision(temp.resolve("root"));
    version("1.0.0", "true");
    version("2.0.0", "exit 1");
    version("3.0.0", "true");
    List<Promise> promises = new ArrayList<>();
    List<String> keys = new ArrayList<>();
    List<String> known = new ArrayList<>();
    CrashDisk disk = CrashDisk.record(root);
    Nucleus nucleus = open(root, cloud.ports());
    nucleus.start();
    deploy(
        nucleus,
        disk,
        1,
        "1.0.0",
        "SUCCEEDED",
        known,
        promises,
        keys,
        Set.of("1.0.0", "2.0.0", "3.0.0"));
    configure(nucleus, disk, "k", 5, promises, keys, known, Set.of("1.0.0", "2.0.0", "3.0.0"));
    deploy(nucleus, disk, 2, "2.0.0", "FAILED", known, promises, keys, Set.of("1.0.0", "3.0.0"));
    deploy(nucleus, disk, 3, "3.0.0", "SUCCEEDED", known, promises, keys, Set.of("3.0.0"));
    configure(nucleus, disk, "l", 5, promises, keys, known, Set.of("3.0.0"));
    nucleus.close();
    disk.close();

    int images =
        disk.forEachCrash(
            temp.resolve("image"),
            SEED,
            ONE_OF,
            (image, cut, variant) ->
                check(
                    image,
                    promises.stream()
                        .filter(p -> p.from() <= cut)
                        .reduce((a, b) -> b)
                        .orElse(new Promise(0, Set.of(), List.of(), List.of()))));
    assertThat(images).isGreaterThan(10);
  }

  private void deploy(
      Nucleus nucleus,
      CrashDisk disk,
      int revision,
      String version,
      String end,
      List<String> known,
      List<Promise> promises,
      List<String> keys,
      Set<String> afterwards) {
    DeploymentRequest r =
        TestCloud.shadow(
            revision,
            FailureHandlingPolicy.ROLLBACK,
            TestCloud.components("com.example.A", version));
    nucleus.deployments().submit(r);
    known.add(r.id());
    Promise before = promises.isEmpty() ? null : promises.getLast();
    promises.add(
        new Promise(
            disk.now(),
            before == null ? Set.of() : before.versions(),
            List.copyOf(keys),
            List.copyOf(known)));
    org.awaitility.Awaitility.await()
        .pollInterval(Duration.ofMillis(10))
        .atMost(Duration.ofSeconds(90))
        .until(() -> cloud.last(r.id(), end).isPresent());
    promises.add(new Promise(disk.now(), afterwards, List.copyOf(keys), List.copyOf(known)));
  }

  private void configure(
      Nucleus nucleus,
      CrashDisk disk,
      String prefix,
      int count,
      List<Promise> promises,
      List<String> keys,
      List<String> known,
      Set<String> versions) {
    for (int i = 0; i < count; i++) {
      nucleus
          .components()
          .updateConfiguration(
              "com.example.A", List.of(prefix + i), IntNode.valueOf(i), Instant.now());
      keys.add(prefix + i);
      promises.add(new Promise(disk.now(), versions, List.copyOf(keys), List.copyOf(known)));
    }
  }

  private static void check(Path image, Promise p) throws Exception {
    // the files were recorded under another folder's name
    Path config = image.resolve("config/config.yaml");
    Path original = image.resolveSibling("root");
    Files.writeString(
        config, Files.readString(config).replace(original.toString(), image.toString()));
    assertThat(CoreConfigFile.read(image).identity().thingName()).isEqualTo("core1");
    try (Nucleus n = open(image, CloudPorts.offline())) {
      assertThat(n.deployments().recent()).extracting(DeploymentRecord::id).containsAll(p.known());
    }
    try (GenerationStore generations =
        GenerationStore.open(
            image.resolve("generations"),
            Clock.systemUTC(),
            Generation.first("2.15.0", Instant.EPOCH))) {
      Generation g = generations.snapshot().generation();
      Generation.Entry a = g.components().get("com.example.A");
      if (!p.versions().isEmpty()) {
        assertThat(a).isNotNull();
        assertThat(p.versions()).contains(a.version());
      }
      if (a == null) {
        return;
      }
      ComponentStore store = new ComponentStore(image);
      assertThat(store.find("com.example.A", a.version()).orElseThrow().digest())
          .isEqualTo(a.recipeDigest());
      Path unpacked = store.unarchived("com.example.A", a.version()).resolve("app-" + a.version());
      for (String name : List.of("a.txt", "d/b.txt")) {
        assertThat(unpacked.resolve(name)).hasContent(name + a.version());
      }
      assertThat(a.configuration().propertyNames()).containsAll(p.keys());
    }
  }

  // ---- damage

  /**
   * Any one file of the root truncated, halved, zeroed, garbled, deleted, or not to be read: the
   * core opens on its last good state. The files are those that a real life has left, so that a new
   * kind of file is in the test by itself.
   */
  @Test
  void damage_to_any_one_file_never_keeps_the_core_from_its_last_good_state() throws Exception {
    Path root = TestCloud.provision(temp.resolve("root"));
    version("1.0.0", "true");
    version("3.0.0", "true");
    List<Promise> unused = new ArrayList<>();
    try (CrashDisk disk = CrashDisk.record(root);
        Nucleus nucleus = open(root, cloud.ports())) {
      nucleus.start();
      deploy(
          nucleus, disk, 1, "1.0.0", "SUCCEEDED", new ArrayList<>(), unused, List.of(), Set.of());
      configure(nucleus, disk, "k", 3, unused, new ArrayList<>(), List.of(), Set.of());
      deploy(
          nucleus, disk, 2, "3.0.0", "SUCCEEDED", new ArrayList<>(), unused, List.of(), Set.of());
    }
    List<Path> files;
    try (var walk = Files.walk(root)) {
      files =
          walk.filter(Files::isRegularFile)
              .filter(p -> !root.relativize(p).startsWith("logs"))
              .filter(p -> !root.relativize(p).startsWith("work"))
              .filter(p -> !p.endsWith(".lock")) // who cannot lock the folder must not use it
              .toList();
    }
    Random random = new Random(SEED);
    int opened = 0;
    List<String> wrong = new ArrayList<>();
    Map<Path, byte[]> before = new java.util.LinkedHashMap<>();
    for (Path file : files) {
      before.put(file, Files.readAllBytes(file));
    }
    for (Path file : files) {
      byte[] whole = before.get(file);
      for (Damage damage : damages(whole, random)) {
        damage.to(file);
        try (Nucleus n = open(root, CloudPorts.offline())) {
          assertThat(n.config().identity().thingName()).as("%s", file).isEqualTo("core1");
          Map<String, Generation.Entry> components = generation(root).components();
          assertThat(components).as("%s, seed %s", file, SEED).containsKey("com.example.A");
          opened++;
        } catch (RuntimeException | AssertionError e) {
          wrong.add(root.relativize(file) + " " + damage.kind() + ", seed " + SEED + ": " + e);
        }
        for (Map.Entry<Path, byte[]> e : before.entrySet()) {
          if (Files.isDirectory(e.getKey())) {
            Files.delete(e.getKey());
          }
          Files.createDirectories(e.getKey().getParent());
          Files.write(e.getKey(), e.getValue());
        }
      }
    }
    assertThat(wrong).isEmpty();
    assertThat(opened).isGreaterThan(60);
  }

  private static Generation generation(Path root) {
    try (GenerationStore g =
        GenerationStore.open(
            root.resolve("generations"),
            Clock.systemUTC(),
            Generation.first("2.15.0", Instant.EPOCH))) {
      return g.base();
    }
  }

  private interface Harm {
    void to(Path file) throws IOException;
  }

  private record Damage(String kind, Harm harm) {
    void to(Path file) throws IOException {
      harm.to(file);
    }
  }

  private static List<Damage> damages(byte[] whole, Random random) {
    byte[] garbled = whole.clone();
    for (int i = 0; i < Math.max(1, garbled.length / 20) && garbled.length > 0; i++) {
      garbled[random.nextInt(garbled.length)] = (byte) random.nextInt(256);
    }
    return List.of(
        new Damage("emptied", file -> Files.write(file, new byte[0])),
        new Damage(
            "halved", file -> Files.write(file, java.util.Arrays.copyOf(whole, whole.length / 2))),
        new Damage("zeroed", file -> Files.write(file, new byte[whole.length])),
        new Damage("garbled", file -> Files.write(file, garbled)),
        new Damage("deleted", Files::delete),
        new Damage(
            "not to be read, also for root",
            file -> {
              Files.delete(file);
              Files.createDirectory(file);
            }));
  }

  // ---- rollback

  /** LESSON-04: for any state and any change that fails, the state after is the state before. */
  @Test
  void the_state_after_a_rollback_is_the_state_before_whatever_the_deployment_changed()
      throws IOException {
    Random random = new Random(SEED);
    Path root = TestCloud.provision(temp.resolve("root"));
    for (String name : List.of("X", "Y", "Z")) {
      for (String v : List.of("1.0.0", "2.0.0")) {
        cloud.generic(
            "com.example." + name,
            v,
            "{v: '" + v + "', deep: {a: 1, b: [1, 2]}}",
            "{}",
            "{Startup: 'true'}");
      }
    }
    cloud.generic("com.example.Bad", "1.0.0", "{}", "{}", "{Startup: 'exit 1'}");
    try (Nucleus nucleus = open(root, cloud.ports())) {
      nucleus.start();
      int revision = 0;
      for (int round = 0; round < 4; round++) {
        Map<String, io.ryegrass.model.DeploymentDocument.ComponentUpdate> good = some(random);
        await(nucleus, ++revision, good, "SUCCEEDED");
        for (String name : good.keySet()) {
          nucleus
              .components()
              .updateConfiguration(
                  name,
                  List.of("live" + random.nextInt(3)),
                  IntNode.valueOf(random.nextInt(100)),
                  Instant.now());
        }
        var before = nucleus.config().effective();
        var running = versions(nucleus);
        var bad = some(random);
        bad.putAll(TestCloud.components("com.example.Bad", "1.0.0"));
        await(nucleus, ++revision, bad, "FAILED");
        assertThat(nucleus.config().effective()).as("seed %s", SEED).isEqualTo(before);
        assertThat(versions(nucleus)).isEqualTo(running);
      }
    }
  }

  private static Map<String, io.ryegrass.model.DeploymentDocument.ComponentUpdate> some(
      Random random) {
    Map<String, io.ryegrass.model.DeploymentDocument.ComponentUpdate> all =
        new java.util.LinkedHashMap<>();
    for (String name : List.of("X", "Y", "Z")) {
      if (random.nextInt(3) > 0) {
        all.putAll(
            TestCloud.component(
                "com.example." + name,
                random.nextBoolean() ? "1.0.0" : "2.0.0",
                "{\"m" + random.nextInt(3) + "\": " + random.nextInt(9) + ", \"deep\": {\"a\": 7}}",
                random.nextBoolean() ? new String[] {"/deep"} : new String[0]));
      }
    }
    return all;
  }

  private static Map<String, String> versions(Nucleus nucleus) {
    Map<String, String> all = new java.util.TreeMap<>();
    nucleus.components().list().forEach(s -> all.put(s.name(), s.version() + " " + s.state()));
    return all;
  }

  private void await(
      Nucleus nucleus,
      int revision,
      Map<String, io.ryegrass.model.DeploymentDocument.ComponentUpdate> components,
      String end) {
    DeploymentRequest r = TestCloud.shadow(revision, FailureHandlingPolicy.ROLLBACK, components);
    nucleus.deployments().submit(r);
    org.awaitility.Awaitility.await()
        .pollInterval(Duration.ofMillis(10))
        .atMost(Duration.ofSeconds(90))
        .until(() -> cloud.last(r.id(), end).isPresent());
  }
}
