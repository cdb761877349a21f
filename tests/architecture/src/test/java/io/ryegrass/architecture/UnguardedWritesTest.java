package io.ryegrass.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What a core writes goes through base/durable, where it is synced and where the crash tests see it
 * (LESSON-02). A class that writes by itself is on this list with the reason why a power cut at any
 * moment does no harm, or it fails the build.
 */
class UnguardedWritesTest {
  private static final Path HOME = Path.of("../..").toAbsolutePath().normalize();

  private static final Pattern RAW_WRITE =
      Pattern.compile(
          "\\bFiles\\s*\\.\\s*(write|writeString|newOutputStream|newByteChannel|newBufferedWriter"
              + "|move|copy|createFile|createTempFile|createTempDirectory|createLink"
              + "|createSymbolicLink)\\s*\\("
              + "|new\\s+(FileOutputStream|FileWriter|PrintWriter\\(new File)"
              + "|RandomAccessFile\\(.*\"rw"
              + "|StandardOpenOption\\.(WRITE|APPEND|CREATE)");

  private static final Map<String, String> ALLOWED =
      Map.ofEntries(
          Map.entry(
              "core/nucleus/deploy/LaunchFolders.java",
              "links, one rename each, the folder synced after it; the copied folder is synced as a tree before a link names it"),
          Map.entry(
              "core/nucleus/store/ComponentStore.java",
              "copies an artifact aside; the copy is synced and then placed by DurableFiles.move"),
          Map.entry(
              "core/nucleus/store/TarUnpacker.java",
              "unpacks aside; ArtifactPreparer syncs the tree and moves it into place"),
          Map.entry(
              "core/nucleus/store/ZipUnpacker.java",
              "unpacks aside; ArtifactPreparer syncs the tree and moves it into place"),
          Map.entry(
              "core/cloud-link/Downloads.java",
              "downloads into a part file; without a digest to check only the same process continues it; ArtifactPreparer syncs and places it"),
          Map.entry(
              "core/nucleus/lifecycle/RotatedLog.java",
              "logs of components: their last lines may be lost with the power"),
          Map.entry(
              "core/nucleus/lifecycle/ScriptRunner.java",
              "notes of processes that end with the power anyway"),
          Map.entry("core/nucleus/host/Cgroups.java", "the kernel's files, not a disk's"),
          Map.entry("core/nucleus/host/ComponentCgroup.java", "the kernel's files, not a disk's"),
          Map.entry(
              "core/lambda/BundleConfig.java", "a container's bundle, made anew at each start"),
          Map.entry(
              "core/lambda/LambdaComponentBody.java", "links to logs, made anew at each start"),
          Map.entry(
              "core/lambda/Leftovers.java", "notes of workers that end with the power anyway"),
          Map.entry(
              "core/lambda/HostView.java",
              "mount points of a container's root, made anew at each start"),
          Map.entry(
              "core/lambda/Models.java",
              "copies aside; the copy is synced as a tree and placed by DurableFiles.move; links to it are made anew at each start"),
          Map.entry("core/v1/V1Files.java", "links to code and logs, made anew at each start"));

  @Test
  void eachFileThatACoreWritesGoesThroughTheDurableHelpersOrIsListedWithAReason()
      throws IOException {
    Map<String, List<String>> found = new TreeMap<>();
    for (String module : modules()) {
      Path sources = HOME.resolve("core").resolve(module).resolve("src/main/java");
      try (Stream<Path> walk = Files.walk(sources)) {
        for (Path file : walk.filter(p -> p.toString().endsWith(".java")).toList()) {
          List<String> lines =
              Files.readAllLines(file).stream()
                  .filter(line -> !line.stripLeading().startsWith("import "))
                  .filter(line -> RAW_WRITE.matcher(line).find())
                  .map(String::strip)
                  .toList();
          if (!lines.isEmpty()) {
            found.put(name(module, sources, file), lines);
          }
        }
      }
    }
    Set<String> unknown = new TreeSet<>(found.keySet());
    unknown.removeAll(ALLOWED.keySet());
    assertThat(unknown)
        .as(
            "these write without base/durable: use DurableFiles or SegmentedLog, or say in this"
                + " test why a power cut does no harm: %s",
            found)
        .isEmpty();
    Set<String> stale = new TreeSet<>(ALLOWED.keySet());
    stale.removeAll(found.keySet());
    assertThat(stale).as("these write no more; take them off the list").isEmpty();
  }

  @Test
  void theRuleSeesEachWayToWriteAFile() {
    for (String line :
        List.of(
            "Files.write(file, bytes);",
            "Files . writeString(file, text)",
            "try (OutputStream out = Files.newOutputStream(file)) {",
            "Files.move(a, b);",
            "new FileOutputStream(file)",
            "new RandomAccessFile(path.toFile(), \"rw\")",
            "FileChannel.open(f, StandardOpenOption.WRITE)")) {
      assertThat(RAW_WRITE.matcher(line).find()).as(line).isTrue();
    }
    assertThat(RAW_WRITE.matcher("DurableFiles.writeAtomically(file, bytes);").find()).isFalse();
    assertThat(RAW_WRITE.matcher("DurableFiles.move(a, b);").find()).isFalse();
  }

  private static List<String> modules() throws IOException {
    try (Stream<Path> folders = Files.list(HOME.resolve("core"))) {
      return folders
          .filter(p -> Files.isDirectory(p.resolve("src/main/java")))
          .map(p -> String.valueOf(p.getFileName()))
          .sorted()
          .toList();
    }
  }

  /** Module, sub-package and file: what a reader looks for. */
  private static String name(String module, Path sources, Path file) {
    Path inside = sources.relativize(file);
    return "core/"
        + module
        + "/"
        + (inside.getNameCount() > 3
            ? inside.subpath(3, inside.getNameCount())
            : inside.getFileName());
  }
}
