package io.ryegrass.docker;

import io.ryegrass.durable.DurableFiles;
import io.ryegrass.model.Json;
import io.ryegrass.model.Recipe;
import io.ryegrass.nucleus.ArtifactSource;
import io.ryegrass.nucleus.BuiltIn;
import io.ryegrass.nucleus.BuiltInContext;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.ImageReference;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.RegistryLogins;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;

/** Artifacts of all kinds: images by the engine of this device, files by another source. */
public final class DockerImages implements ArtifactSource {
  private static final Logger LOG = LoggerFactory.getLogger(DockerImages.class);
  private static final String NAME = "aws.greengrass.DockerApplicationManager";

  /** How often an engine is asked that is not there: it may be starting. */
  private static final int ATTEMPTS = 5;

  private final ArtifactSource files;
  private final RegistryLogins role;
  private final RegistryLogins own;
  private final ContainerEngine engine;
  private final Path record;
  private final Duration pause;
  private final ReentrantLock lock = new ReentrantLock();

  DockerImages(
      ArtifactSource files,
      RegistryLogins role,
      RegistryLogins own,
      ContainerEngine engine,
      Path root,
      Duration pause) {
    this.files = files;
    this.role = role;
    this.own = own;
    this.engine = engine;
    this.record = root.resolve("packages").resolve("images.json");
    this.pause = pause;
  }

  /**
   * Opens nothing. The engine is that of {@code DOCKER_HOST}, or the one at {@code
   * /var/run/docker.sock}.
   *
   * @param files fetches everything that is no image
   * @param role logins of the core's role, for private registries of Amazon ECR
   * @param root the core's root folder
   */
  public static DockerImages of(ArtifactSource files, RegistryLogins role, Path root) {
    String folder = System.getenv("DOCKER_CONFIG");
    return new DockerImages(
        files,
        role,
        new ConfigLogins(
            folder == null || folder.isBlank()
                ? Path.of(System.getProperty("user.home"), ".docker")
                : Path.of(folder)),
        ContainerEngine.of(System.getenv("DOCKER_HOST")),
        root,
        Duration.ofSeconds(5));
  }

  /** The component whose presence lets recipes name images (DOC-10); it says whether they could. */
  public BuiltIn component() {
    return new BuiltIn() {
      @Override
      public String name() {
        return NAME;
      }

      @Override
      public void start(BuiltInContext c) {
        try {
          c.log().info("Container engine at {}: {}", engine.host(), engine.version());
        } catch (NucleusException e) {
          c.log().warn("{}", e.getMessage());
        }
      }

      @Override
      public void stop() {}
    };
  }

  @Override
  public long size(String componentVersionArn, Recipe.Artifact artifact) {
    return files.size(componentVersionArn, artifact);
  }

  @Override
  public void download(String componentVersionArn, Recipe.Artifact artifact, Path target) {
    files.download(componentVersionArn, artifact, target);
  }

  @Override
  public void pullImage(Recipe.Artifact artifact) {
    ImageReference image = ImageReference.parse(artifact.uri());
    boolean here = patiently(image);
    if (here && !image.isLatest()) {
      return;
    }
    if (!here) {
      brought(artifact.uri());
    }
    try {
      engine.pull(image, login(image));
    } catch (CloudUnavailableException e) {
      if (!here) {
        throw e;
      }
      LOG.warn("{} The one that is here is used.", e.getMessage());
      return;
    }
    if (!engine.has(image)) {
      throw new NucleusException(
          "DOCKER_PULL_ERROR",
          "The container engine has pulled " + image.text() + " and does not have it.");
    }
    LOG.info("Image {} is here", image.text());
  }

  private RegistryLogins.@org.jspecify.annotations.Nullable Login login(ImageReference image) {
    Optional<RegistryLogins.Login> found =
        image.isPrivateEcr() ? role.find(image) : own.find(image);
    return found.orElse(null);
  }

  /** Whether the engine has an image; asked some times when there is no engine. */
  private boolean patiently(ImageReference image) {
    for (int attempt = 1; ; attempt++) {
      try {
        return engine.has(image);
      } catch (NucleusException e) {
        if (!e.code().equals("DOCKER_SERVICE_UNAVAILABLE") || attempt == ATTEMPTS) {
          throw e;
        }
        LOG.warn("{} Trying again.", e.getMessage());
      }
      try {
        Thread.sleep(pause);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CloudUnavailableException("The wait for the container engine was ended.", e);
      }
    }
  }

  @Override
  public void keepImages(Set<String> uris) {
    lock.lock();
    try {
      Set<String> mine = read();
      Set<String> names = new LinkedHashSet<>();
      uris.forEach(u -> names.add(nameOf(u)));
      boolean changed = false;
      for (String uri : Set.copyOf(mine)) {
        if (!names.contains(nameOf(uri)) && gone(uri)) {
          mine.remove(uri);
          changed = true;
        }
      }
      if (changed) {
        write(mine);
      }
    } catch (RuntimeException e) {
      LOG.warn("Images that nothing needs any more stay for now: {}", e.getMessage());
    } finally {
      lock.unlock();
    }
  }

  private static String nameOf(String uri) {
    try {
      return ImageReference.parse(uri).text();
    } catch (NucleusException e) {
      return uri; // a recipe that was never prepared
    }
  }

  private boolean gone(String uri) {
    ImageReference image = ImageReference.parse(uri);
    if (engine.remove(image) == ContainerEngine.Removal.IN_USE) {
      LOG.info("Image {} is not needed any more, but a container uses it", image.text());
      return false;
    }
    LOG.info("Image {} is not needed any more and was removed", image.text());
    return true;
  }

  private void brought(String uri) {
    lock.lock();
    try {
      Set<String> mine = read();
      if (mine.add(uri)) {
        write(mine);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Images that this core has brought, by the artifact's URI. */
  private Set<String> read() {
    Set<String> uris = new LinkedHashSet<>();
    byte[] content = DurableFiles.read(record).orElse(null);
    if (content == null) {
      return uris;
    }
    try {
      for (JsonNode uri : Json.read(content).path("images")) {
        uris.add(uri.asString(""));
      }
    } catch (JacksonException e) {
      LOG.warn(
          "{} cannot be read; images brought before it stay until somebody removes them", record);
    }
    return uris;
  }

  private void write(Set<String> uris) {
    var top = Json.object();
    ArrayNode list = top.putArray("images");
    uris.forEach(list::add);
    DurableFiles.writeAtomically(record, Json.bytes(top));
  }
}
