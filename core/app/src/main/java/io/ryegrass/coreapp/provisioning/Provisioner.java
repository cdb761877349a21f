package io.ryegrass.coreapp.provisioning;

import io.ryegrass.cloudlink.ClaimCloud;
import io.ryegrass.cloudlink.ClaimConnection;
import io.ryegrass.durable.DurableException;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.RestartPort;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.node.ObjectNode;

/**
 * Gets a core without identity one, in the background and for as long as it takes: attempts that
 * fail are repeated for ever, the waits between them grow and are half random (LESSON-06).
 */
public final class Provisioner implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Provisioner.class);
  private static final Duration STOP = Duration.ofSeconds(10);

  private final Path root;
  private final Source source;
  private final RestartPort restarts;
  private final Duration first;
  private final Duration longest;
  private final RandomGenerator random = RandomGenerator.getDefault();
  private final Thread thread;

  private Provisioner(
      Path root, Source source, RestartPort restarts, Duration first, Duration longest) {
    this.root = root;
    this.source = source;
    this.restarts = restarts;
    this.first = first;
    this.longest = longest;
    this.thread = Thread.ofVirtual().name("provisioning").unstarted(this::run);
  }

  /**
   * Whether a root folder says how its core gets an identity. Cheap: most cores without identity
   * are told nothing.
   */
  public static boolean isAsked(Path root) {
    try {
      Path config = root.resolve("config").resolve("config.yaml");
      return !plugins(root).isEmpty()
          || Files.exists(config) && Files.readString(config).contains(ClaimParameters.PLUGIN);
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * Starts it; null when it cannot be begun, and the log says why.
   *
   * @param restarts asked when there is an identity
   */
  public static @Nullable Provisioner start(Path root, RestartPort restarts) {
    return start(
        root, restarts, ClaimConnection::open, Duration.ofSeconds(2), Duration.ofMinutes(5));
  }

  static @Nullable Provisioner start(
      Path root, RestartPort restarts, ClaimCloud.Door door, Duration first, Duration longest) {
    try {
      Provisioner made = new Provisioner(root, source(root, door), restarts, first, longest);
      made.thread.start();
      return made;
    } catch (Source.GaveUp | JacksonException | DurableException | IOException e) {
      LOG.error("This core stays without a cloud: {}", e.getMessage());
      return null;
    }
  }

  private static Source source(Path root, ClaimCloud.Door door) throws Source.GaveUp, IOException {
    ObjectNode config = Identity.configuration(root);
    List<Source> all = new ArrayList<>();
    if (config.path("services").has(ClaimParameters.PLUGIN)) {
      all.add(
          new ClaimSource(
              root,
              ClaimParameters.read(root, Identity.parameters(config, ClaimParameters.PLUGIN)),
              door));
    }
    for (Path plugin : plugins(root)) {
      all.add(
          new PluginSource(
              root, plugin, Identity.parameters(config, PluginSource.pluginName(plugin))));
    }
    if (all.size() != 1) {
      throw new Source.GaveUp(
          "it is told "
              + all.size()
              + " ways to an identity and can go only one: "
              + String.join(", ", all.stream().map(Source::name).toList()));
    }
    return all.getFirst();
  }

  private static List<Path> plugins(Path root) throws IOException {
    Path folder = root.resolve("plugins").resolve("trusted");
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(p -> Files.isRegularFile(p) && !String.valueOf(p.getFileName()).startsWith("."))
          .sorted()
          .toList();
    }
  }

  private void run() {
    LOG.info("This core has no identity; it is asked for by {}", source.name());
    double wait = first.toMillis();
    String before = "";
    try {
      while (true) {
        try {
          Identity identity = source.get();
          identity.write(root);
          source.done();
          LOG.info("This core is thing {} from now on", identity.thingName());
          if (!restarts.restart(RestartPort.What.NUCLEUS, "it has an identity now")) {
            LOG.warn("Start the core again: it has an identity now, and cannot do that itself");
          }
          return;
        } catch (Source.GaveUp e) {
          LOG.error("Provisioning ends, this core stays without a cloud: {}", e.getMessage());
          return;
        } catch (NucleusException | DurableException e) {
          String now = String.valueOf(e.getMessage());
          // the same words again and again are no news (LESSON-18)
          if (!now.equals(before)) {
            LOG.warn("Provisioning did not succeed and is tried again, for ever: {}", now);
          }
          before = now;
        }
        Thread.sleep(Duration.ofMillis((long) (wait / 2 + random.nextDouble() * wait / 2)));
        wait = Math.min(longest.toMillis(), wait * 2);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // the core stops
    } catch (RuntimeException e) {
      LOG.error("Provisioning ends, this core stays without a cloud", e);
    }
  }

  @Override
  public void close() {
    thread.interrupt();
    try {
      if (!thread.join(STOP)) {
        LOG.warn("Provisioning did not stop in time");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
