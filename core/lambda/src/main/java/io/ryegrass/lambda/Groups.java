package io.ryegrass.lambda;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The supplementary groups of a worker: those that the system gives its user, those of its local
 * resources where they ask for it (LRA-10, LRA-11), and the owners of its models (MLI-08).
 */
final class Groups {
  private Groups() {}

  /**
   * Numbers without the user's own group, in the order in which they were found.
   *
   * @throws io.ryegrass.nucleus.NucleusException UNKNOWN_GROUP when one is named that does not
   *     exist
   */
  static List<Integer> of(FunctionConfiguration f, UserIds user) {
    Set<Integer> all = new LinkedHashSet<>(user.systemGroups());
    f.volumes().forEach(v -> add(v, all));
    f.devices().forEach(d -> add(d, all));
    all.addAll(ofModels(f));
    all.remove(user.gid());
    return List.copyOf(all);
  }

  static List<Integer> ofModels(FunctionConfiguration f) {
    return f.models().stream()
        .filter(m -> !m.groupOwner().isEmpty())
        .map(m -> UserIds.group(m.groupOwner()))
        .distinct()
        .toList();
  }

  private static void add(FunctionConfiguration.LocalResource resource, Set<Integer> all) {
    if (resource.addGroupOwner()) {
      Path host = resource.host();
      try {
        all.add((int) Files.getAttribute(host, "unix:gid"));
      } catch (IOException e) {
        return; // not there: the check before a start says so
      }
    } else if (!resource.groupOwner().isEmpty()) {
      all.add(UserIds.group(resource.groupOwner()));
    }
  }
}
