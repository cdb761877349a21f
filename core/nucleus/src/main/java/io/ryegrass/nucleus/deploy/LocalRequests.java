package io.ryegrass.nucleus.deploy;

import io.ryegrass.model.ComponentVersion;
import io.ryegrass.model.FailureHandlingPolicy;
import io.ryegrass.model.InvalidDocumentException;
import io.ryegrass.nucleus.DeploymentEngine;
import io.ryegrass.nucleus.DeploymentRecord;
import io.ryegrass.nucleus.DeploymentRequest;
import io.ryegrass.nucleus.LocalDeployment;
import io.ryegrass.nucleus.LocalDeployments;
import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Checks requests of local deployments before they are queued, and shows how they stand. */
public final class LocalRequests implements LocalDeployments {
  private static final Set<String> ENDED = Set.of("SUCCEEDED", "FAILED", "REJECTED", "CANCELED");

  private final DeploymentEngine engine;
  private final Path packages;
  private final Clock clock;

  /**
   * @param root root folder of the core
   */
  public LocalRequests(DeploymentEngine engine, Path root, Clock clock) {
    this.engine = engine;
    this.packages = root.resolve("packages");
    this.clock = clock;
  }

  @Override
  public String create(Request r) {
    if (r.group() != null && (r.group().isBlank() || r.group().indexOf(':') >= 0)) {
      throw invalid("A thing group's name is not empty and has no colon: \"" + r.group() + "\".");
    }
    r.merge()
        .forEach(
            (name, version) -> {
              named(name);
              try {
                ComponentVersion.parse(version);
              } catch (InvalidDocumentException e) {
                throw invalid(
                    "\"" + version + "\" of " + name + " is no version; write it like 1.0.0.");
              }
            });
    for (String name : r.remove()) {
      named(name);
      if (r.merge().containsKey(name)) {
        throw invalid(name + " cannot be merged and removed by one deployment; choose one.");
      }
    }
    folder(r.recipes(), INVALID_RECIPE_DIRECTORY, "recipes");
    folder(r.artifacts(), INVALID_ARTIFACTS_DIRECTORY, "artifacts");
    String id = UUID.randomUUID().toString();
    engine.submit(
        new LocalDeployment(
            id,
            clock.millis(),
            r.merge(),
            new HashSet<>(r.remove()),
            r.group(),
            r.configuration(),
            r.runWith(),
            r.recipes(),
            r.artifacts(),
            r.failureHandlingPolicy() == null
                ? FailureHandlingPolicy.DO_NOTHING
                : r.failureHandlingPolicy()));
    return id;
  }

  private static void named(String name) {
    if (name.isBlank() || name.equals(".") || name.equals("..") || name.contains("/")) {
      throw invalid("\"" + name + "\" cannot be the name of a component.");
    }
  }

  private void folder(@Nullable Path folder, String code, String what) {
    if (folder == null) {
      return;
    }
    if (!folder.isAbsolute() || !Files.isDirectory(folder) || !Files.isReadable(folder)) {
      throw new NucleusException(
          code,
          "The folder of "
              + what
              + " "
              + folder
              + " is not there or the core may not read it; name an existing folder by its absolute path.");
    }
    try {
      Path real = folder.toRealPath();
      Path store = Files.exists(packages) ? packages.toRealPath() : packages;
      if (store.startsWith(real) || real.startsWith(store)) {
        throw new NucleusException(
            code,
            folder + " is the core's own store, or holds it; put the " + what + " somewhere else.");
      }
    } catch (IOException e) {
      throw new NucleusException(code, "The folder " + folder + " cannot be read: " + e, e);
    }
  }

  @Override
  public List<Status> list() {
    return engine.recent().stream()
        .filter(d -> d.origin().equals(DeploymentRequest.LOCAL))
        .limit(LISTED)
        .map(LocalRequests::status)
        .toList();
  }

  @Override
  public Optional<Status> find(String deploymentId) {
    String id = uuid(deploymentId);
    return engine.recent().stream()
        .filter(d -> d.origin().equals(DeploymentRequest.LOCAL))
        .filter(d -> d.id().equalsIgnoreCase(id))
        .findFirst()
        .map(LocalRequests::status);
  }

  @Override
  public String cancel(String deploymentId) {
    Status s =
        find(deploymentId)
            .orElseThrow(
                () ->
                    new NucleusException(
                        RESOURCE_NOT_FOUND,
                        "There is no local deployment " + deploymentId + " on this core."));
    if (ENDED.contains(s.status())) {
      return "The deployment has ended already: " + s.status() + ".";
    }
    engine.cancel(DeploymentRequest.LOCAL, s.deploymentId());
    return "The deployment is being cancelled.";
  }

  private static Status status(DeploymentRecord d) {
    return new Status(
        d.id(),
        d.status(),
        d.received(),
        d.detailedStatus(),
        d.errorStack(),
        d.errorTypes(),
        d.failureCause(),
        d.state());
  }

  private static String uuid(String text) {
    String id = text.toLowerCase(Locale.ROOT);
    if (!id.matches("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")) {
      throw invalid("\"" + text + "\" is no id of a deployment; ids are UUIDs.");
    }
    return id;
  }

  private static NucleusException invalid(String message) {
    return new NucleusException(INVALID_ARGUMENTS, message);
  }
}
