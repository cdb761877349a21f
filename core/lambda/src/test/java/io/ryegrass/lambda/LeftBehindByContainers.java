package io.ryegrass.lambda;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/** What the containers of one core's root folder have on this host. */
record LeftBehindByContainers(Path root) {

  private String hash() {
    return HexFormat.of().toHexDigits(root.toString().hashCode());
  }

  /** The states that the OCI runtime keeps. */
  List<Path> containers() {
    return list(Path.of("/run/ryegrass", hash()), "ryegrass-");
  }

  /** All traces: states, layers, bundles, control groups. */
  List<Path> all() {
    List<Path> found = new ArrayList<>(containers());
    found.addAll(list(Path.of("/run/ryegrass", hash() + "-layers"), ""));
    found.addAll(list(root.resolve("work/aws.greengrass.LambdaManager/containers"), ""));
    Cgroups groups = Cgroups.ofThisHost();
    for (List<Path> mounts : List.of(groups.first(), groups.second())) {
      for (Path mount : mounts) {
        found.addAll(list(mount, "ryegrass-" + hash() + "-"));
      }
    }
    return found;
  }

  private static List<Path> list(Path folder, String prefix) {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.filter(e -> e.getFileName().toString().startsWith(prefix)).toList();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
