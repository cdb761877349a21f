package io.ryegrass.crashtests.core;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.aws.greengrass.model.ComponentDetails;

/** Looks at a core from outside: its answers, the files of its store, its components' processes. */
final class CoreView {
  private final Path root;
  private final long marks;

  CoreView(Path root, int number) {
    this.root = root;
    // Nobody else on this machine sleeps for exactly so long.
    this.marks =
        1_000_000_000L + ProcessHandle.current().pid() % 1_000_000 * 1_000 + number % 100 * 10;
  }

  /** Seconds that the process of this component sleeps; its own among all of the machine. */
  String mark(String component) {
    return String.valueOf(marks + component.charAt(component.length() - 1) - 'A');
  }

  Seen look(CoreClient client) throws IOException, InterruptedException {
    Map<String, Seen.Component> all = new TreeMap<>();
    for (ComponentDetails c : client.components()) {
      String name = c.getComponentName();
      Map<String, Object> configuration = c.getConfiguration();
      all.put(
          name,
          new Seen.Component(
              c.getVersion(),
              c.getStateAsString(),
              configuration == null ? Map.of() : configuration,
              files(name, c.getVersion()),
              (int) processes().filter(p -> sleeps(p, mark(name))).count()));
    }
    return new Seen(all);
  }

  /** Whether nothing is on its way any more, as far as one can tell. */
  boolean atRest(Seen seen, Model model, @Nullable Plan pending) {
    for (Map.Entry<String, Seen.Component> e : seen.components().entrySet()) {
      Seen.Component c = e.getValue();
      if (!Set.of("RUNNING", "FINISHED", "BROKEN").contains(c.state())) {
        return false;
      }
      Spec brought = pending == null ? null : pending.brings(e.getKey(), c.version());
      Spec spec = brought == null ? model.running(e.getKey()) : brought;
      if (spec != null
          && spec.behaviour() == Spec.Behaviour.FINISHES
          && c.state().equals("RUNNING")) {
        return false; // it runs anew after each start of the core
      }
      if (spec != null && spec.staysAlive() && c.state().equals("RUNNING") && c.processes() != 1) {
        return false;
      }
    }
    return true;
  }

  private String files(String name, String version) throws IOException {
    MessageDigest digest = sha256();
    Path packages = root.resolve("packages");
    Set<Path> own = new TreeSet<>();
    try (Stream<Path> walk = Files.walk(packages)) {
      for (Path p : walk.filter(Files::isRegularFile).toList()) {
        String inside = packages.relativize(p).toString();
        String file = String.valueOf(p.getFileName());
        if (inside.contains("/" + name + "/" + version + "/")
            || (file.contains("@" + version + ".recipe")
                && Files.readString(p, StandardCharsets.UTF_8)
                    .contains("\"ComponentName\":\"" + name + "\""))) {
          own.add(p);
        }
      }
    } catch (NoSuchFileException | java.io.UncheckedIOException e) {
      return "changing";
    }
    for (Path p : own) {
      digest.update(packages.relativize(p).toString().getBytes(StandardCharsets.UTF_8));
      digest.update(Files.readAllBytes(p));
    }
    return own.size() + ":" + HexFormat.of().formatHex(digest.digest(), 0, 6);
  }

  /** Digest of what says who this core is. */
  String identityFiles() throws IOException {
    MessageDigest digest = sha256();
    for (String name : List.of("config/config.yaml", "certs/core.pem", "certs/core.key")) {
      if (Files.exists(root.resolve(name))) {
        digest.update(Files.readAllBytes(root.resolve(name)));
      }
    }
    return HexFormat.of().formatHex(digest.digest(), 0, 6);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (java.security.NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Stream<ProcessHandle> processes() {
    return ProcessHandle.allProcesses();
  }

  private static boolean sleeps(ProcessHandle p, String mark) {
    return p.info().arguments().map(a -> a.length == 1 && a[0].equals(mark)).orElse(false);
  }

  /** What components leave behind when their core is not started again. */
  void endProcesses() {
    for (char letter = 'A'; letter <= 'E'; letter++) {
      String mark = mark(String.valueOf(letter));
      processes().filter(p -> sleeps(p, mark)).forEach(ProcessHandle::destroyForcibly);
    }
  }
}
