package io.ryegrass.ipc;

import io.ryegrass.nucleus.LocalDeployments;
import io.ryegrass.nucleus.NucleusException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;

/** Local deployments that only remember what was asked. */
final class TestDeployments implements LocalDeployments {
  final List<Request> asked = new CopyOnWriteArrayList<>();
  final List<Status> known = new CopyOnWriteArrayList<>();

  @Override
  public String create(Request r) {
    if (r.recipes() != null && r.recipes().toString().contains("missing")) {
      throw new NucleusException(INVALID_RECIPE_DIRECTORY, "no such folder");
    }
    if (r.artifacts() != null && r.artifacts().toString().contains("missing")) {
      throw new NucleusException(INVALID_ARTIFACTS_DIRECTORY, "no such folder");
    }
    if (r.group() != null && r.group().contains(":")) {
      throw new NucleusException(INVALID_ARGUMENTS, "no colon, please");
    }
    asked.add(r);
    String id = UUID.randomUUID().toString();
    known.addFirst(
        new Status(id, "QUEUED", Instant.EPOCH, "", List.of(), List.of(), null, "RECEIVED"));
    return id;
  }

  @Override
  public List<Status> list() {
    return known;
  }

  @Override
  public Optional<Status> find(String deploymentId) {
    return known.stream().filter(s -> s.deploymentId().equals(deploymentId)).findFirst();
  }

  @Override
  public String cancel(String deploymentId) {
    if (find(deploymentId).isEmpty()) {
      throw new NucleusException(RESOURCE_NOT_FOUND, "There is no deployment " + deploymentId);
    }
    return "Cancellation is requested";
  }
}
