package io.ryegrass.crashtests.core;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * Harm that is done to a core's folder while it is down, so that one can see that the crash test
 * finds it: a test that cannot fail shows nothing.
 */
enum Sabotage {
  /** Answered changes of configuration are thrown away. */
  FORGET_CHANGES {
    @Override
    void apply(Path root, Model model) throws IOException {
      each(root.resolve("generations"), p -> p.toString().contains("/changes/"), Files::delete);
    }
  },
  /** An artifact gets another byte. */
  SPOIL_ARTIFACT {
    @Override
    void apply(Path root, Model model) throws IOException {
      each(
          root.resolve("packages"),
          p -> p.endsWith("blob.bin"),
          p -> {
            byte[] bytes = Files.readAllBytes(p);
            bytes[bytes.length / 2] ^= 1;
            Files.write(p, bytes);
          });
    }
  },
  /** The records of deployments are thrown away. */
  FORGET_DEPLOYMENTS {
    @Override
    void apply(Path root, Model model) throws IOException {
      each(root.resolve("deployments"), p -> p.toString().endsWith(".json"), Files::delete);
    }
  },
  /** All components are thrown away. */
  FORGET_COMPONENTS {
    @Override
    void apply(Path root, Model model) throws IOException {
      each(root.resolve("generations"), p -> true, Files::delete);
    }
  };

  private interface Harm {
    void to(Path file) throws IOException;
  }

  abstract void apply(Path root, Model model) throws IOException;

  /** As it is written on the command line. */
  static Sabotage parse(String word) {
    for (Sabotage s : values()) {
      if (s.word().equals(word)) {
        return s;
      }
    }
    throw new IllegalArgumentException(
        "--sabotage is one of " + Stream.of(values()).map(Sabotage::word).toList());
  }

  String word() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static void each(Path top, java.util.function.Predicate<Path> which, Harm harm)
      throws IOException {
    if (!Files.isDirectory(top)) {
      return;
    }
    List<Path> files;
    try (Stream<Path> walk = Files.walk(top)) {
      files =
          walk.filter(Files::isRegularFile)
              .filter(which)
              .sorted(Comparator.naturalOrder())
              .toList();
    }
    for (Path file : files) {
      harm.to(file);
    }
  }
}
