package io.ryegrass.objects;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ryegrass.durable.DurableFiles;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a folder of objects holds after it was left in any state. */
class FolderStoreTest {
  @TempDir Path folder;

  @Test
  void a_file_without_a_row_is_removed_and_those_with_one_stay() throws IOException {
    try (ObjectStore store = open()) {
      store.createBucket("bkt");
      store.put("bkt", "k", bytes("kept"));
    }
    Path stray = folder.resolve("data/ab/abstray");
    Files.createDirectories(folder.resolve("data/ab"));
    Files.writeString(stray, "left by a dead process");
    try (ObjectStore store = open()) {
      await().atMost(Duration.ofSeconds(20)).until(() -> !Files.exists(stray));
      assertThat(store.read("bkt", "k")).hasValue(bytes("kept"));
    }
  }

  @Test
  void an_index_that_was_lost_is_made_again_from_the_files() throws IOException {
    try (ObjectStore store = open()) {
      store.createBucket("bkt");
      store.put("bkt", "k", bytes("old"));
      store.put("bkt", "k", bytes("new"));
      store.put("bkt", "other/ü", bytes("other"));
    }
    DurableFiles.deleteTree(folder.resolve("index"));
    try (ObjectStore store = open()) {
      assertThat(store.read("bkt", "k")).hasValue(bytes("new"));
      assertThat(store.read("bkt", "other/ü")).hasValue(bytes("other"));
    }
  }

  @Test
  void a_folder_of_the_first_form_is_taken_over() throws IOException {
    Path shelf = folder.resolve("buckets/.own/ab");
    Files.createDirectories(shelf);
    try (FileChannel file =
        FileChannel.open(
            shelf.resolve("abcd"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      file.write(StandardCharsets.UTF_8.encode("content"));
      ObjectFile.seal(
          file,
          "",
          new ObjectInfo(
              "k",
              "null",
              7,
              "etag",
              Instant.EPOCH,
              "text/x",
              Map.of(),
              Map.of(),
              Map.of(),
              List.of()));
    }
    try (ObjectStore store = open()) {
      assertThat(store.read(".own", "k")).hasValue(bytes("content"));
      assertThat(folder.resolve("buckets")).doesNotExist();
    }
  }

  @Test
  void after_a_kill_every_acknowledged_object_is_there_and_whole() throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                "--enable-native-access=ALL-UNNAMED",
                Putter.class.getName(),
                folder.toString())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    List<String> acknowledged = new ArrayList<>();
    try (BufferedReader out =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      while (acknowledged.size() < 60) {
        String line = out.readLine();
        assertThat(line).as("the writer goes on").isNotNull();
        acknowledged.add(line);
      }
      process.destroyForcibly().waitFor();
    }
    try (ObjectStore store = open()) {
      Map<String, Integer> last = new java.util.HashMap<>();
      for (String line : acknowledged) {
        last.put(line.split(" ")[0], Integer.parseInt(line.split(" ")[1]));
      }
      last.forEach(
          (key, round) -> {
            byte[] body = store.read("bkt", key).orElseThrow();
            int found = Integer.parseInt(new String(body, StandardCharsets.UTF_8).split(" ", 2)[0]);
            assertThat(found).isGreaterThanOrEqualTo(round);
            assertThat(body).isEqualTo(Putter.body(found));
          });
    }
  }

  /** Puts few keys again and again and says what was answered. */
  static final class Putter {
    public static void main(String[] args) {
      try (ObjectStore store = ObjectStore.open(Path.of(args[0]), Clock.systemUTC())) {
        store.createBucket("bkt");
        for (int round = 0; ; round++) {
          for (int key = 0; key < 5; key++) {
            store.put("bkt", Integer.toString(key), body(round));
            System.out.println(key + " " + round);
            System.out.flush();
          }
        }
      }
    }

    static byte[] body(int round) {
      return (round + " " + "x".repeat(20_000 + round)).getBytes(StandardCharsets.UTF_8);
    }
  }

  private ObjectStore open() {
    return ObjectStore.open(folder, Clock.systemUTC());
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
