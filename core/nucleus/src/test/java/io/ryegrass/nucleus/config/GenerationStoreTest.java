package io.ryegrass.nucleus.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.model.ComponentType;
import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.node.StringNode;

/** Generations on disk: LESSON-02, LESSON-04. */
class GenerationStoreTest {
  @TempDir Path folder;

  private GenerationStore open() {
    return GenerationStore.open(folder, Clock.systemUTC(), generation(0, "{}"));
  }

  private static Generation generation(long number, String values) {
    StampedConfiguration c = StampedConfiguration.empty();
    c.merge((ObjectNode) new JsonMapper().readTree(values.replace('\'', '"')), 10);
    return new Generation(
        number,
        "test",
        Instant.EPOCH,
        Map.of(
            "c",
            new Generation.Entry(
                "c",
                "1.0.0",
                ComponentType.GENERIC,
                "arn",
                "d",
                Map.of("f", "x"),
                c.values(),
                c.stamps(),
                null)),
        Map.of("thing/t", new Generation.Group("arn", 5, "id", Map.of("c", "1.0.0"))),
        List.of("g"));
  }

  private static void set(GenerationStore s, String key, String value, long time) {
    s.update("c", List.of(key), StringNode.valueOf(value), time);
  }

  @Test
  void a_generation_comes_back_from_disk_as_it_was_written() {
    Generation g = generation(1, "{'a':{'b':[1,null,true]}}");
    try (GenerationStore s = open()) {
      s.write(g);
      assertThat(s.base().number()).isZero();
      s.switchTo(1, -1);
    }
    try (GenerationStore s = open()) {
      assertThat(s.base()).hasToString(g.toString());
      assertThat(s.good()).isZero();
    }
  }

  @Test
  void runtime_changes_survive_a_restart_and_a_rollback_returns_to_them_as_they_were() {
    try (GenerationStore s = open()) {
      set(s, "live", "before", 20);
      long offset = s.snapshot().changeOffset();
      set(s, "late", "carried", 21);
      s.write(generation(1, "{'new':1}"));
      s.switchTo(1, offset);
      assertThat(s.find("c", List.of("late"))).contains(StringNode.valueOf("carried"));
      assertThat(s.find("c", List.of("live"))).isEmpty();
      set(s, "live", "during", 22);
    }
    try (GenerationStore s = open()) {
      assertThat(s.find("c", List.of("live"))).contains(StringNode.valueOf("during"));
      s.switchTo(0, -1);
      assertThat(s.configuration("c").orElseThrow().values().toString())
          .isEqualTo("{\"live\":\"before\",\"late\":\"carried\"}");
    }
  }

  @Test
  void
      a_damaged_current_generation_is_answered_with_the_last_good_one_and_then_with_the_one_before()
          throws IOException {
    try (GenerationStore s = open()) {
      s.write(generation(1, "{'v':1}"));
      s.switchTo(1, -1);
      s.markGood();
      s.write(generation(2, "{'v':2}"));
      s.switchTo(2, -1);
    }
    Files.writeString(folder.resolve("2/generation.json"), "{\"number\":2}");
    try (GenerationStore s = open()) {
      assertThat(s.base().number()).isEqualTo(1);
    }
    Files.writeString(folder.resolve("1/generation.json"), "");
    try (GenerationStore s = open()) {
      assertThat(s.base().number()).isZero();
      assertThat(s.good()).isZero();
    }
    Files.writeString(folder.resolve("0/generation.json"), "");
    assertThatThrownBy(this::open)
        .isInstanceOf(NucleusException.class)
        .hasMessageContaining("restore the folder");
    assertThat(folder.resolve("0/generation.json")).isEmptyFile();
  }

  /** LESSON-02: found by the crash tests, see docs/track-record.md. */
  @ParameterizedTest
  @ValueSource(
      strings = {"", "{\"current\":1,\"dig", "{}", "[]", "\0\0\0\0\0\0\0\0", "{\"current\":\"x\"}"})
  void a_damaged_pointer_is_answered_by_its_copy_and_written_anew(String damaged)
      throws IOException {
    try (GenerationStore s = open()) {
      s.write(generation(1, "{'new':1}"));
      s.switchTo(1, -1);
      s.write(generation(2, "{'never':'current'}"));
    }
    String pointer = Files.readString(folder.resolve("current"));
    Files.writeString(folder.resolve("current"), damaged);
    try (GenerationStore s = open()) {
      assertThat(s.base().number()).isEqualTo(1);
      assertThat(s.good()).isZero();
    }
    assertThat(folder.resolve("current")).hasContent(pointer);
  }

  @Test
  void a_missing_pointer_does_not_begin_from_nothing_beside_generations() throws IOException {
    try (GenerationStore s = open()) {
      s.write(generation(1, "{'new':1}"));
      s.switchTo(1, -1);
      s.markGood();
    }
    Files.delete(folder.resolve("current"));
    Files.delete(folder.resolve("current.copy"));
    Files.createDirectories(folder.resolve("2"));
    Files.writeString(folder.resolve("2/generation.json"), "{\"half\":");
    try (GenerationStore s = open()) {
      assertThat(s.base().number()).isEqualTo(1);
      assertThat(s.base().components()).containsKey("c");
    }
  }

  @Test
  void a_copy_that_a_kill_left_behind_is_brought_up_to_date_at_the_start() throws IOException {
    try (GenerationStore s = open()) {
      s.write(generation(1, "{'new':1}"));
      s.switchTo(1, -1);
    }
    Files.writeString(folder.resolve("current.copy"), "");
    open().close();
    assertThat(folder.resolve("current.copy")).hasSameTextualContentAs(folder.resolve("current"));
  }

  @Test
  void collecting_keeps_the_current_the_good_the_one_before_and_the_named_ones() {
    try (GenerationStore s = open()) {
      for (int i = 1; i <= 4; i++) {
        s.write(generation(i, "{}"));
      }
      s.switchTo(3, -1);
      s.markGood();
      s.switchTo(4, -1);
      s.collect(Set.of(2L));
      assertThat(s.all()).extracting(Generation::number).containsExactlyInAnyOrder(0L, 2L, 3L, 4L);
      assertThat(s.nextNumber()).isEqualTo(5);
    }
  }

  /** See docs/track-record.md: after a rollback there is a second generation to fall back to. */
  @Test
  void the_generation_that_was_good_before_stays_also_when_a_deployment_is_rolled_back()
      throws IOException {
    try (GenerationStore s = open()) {
      for (int i = 1; i <= 2; i++) {
        s.write(generation(i, "{'v':" + i + "}"));
        s.switchTo(i, -1);
        s.markGood();
        s.collect(Set.of());
      }
      s.write(generation(3, "{'broken':1}"));
      s.switchTo(3, -1);
      s.switchTo(2, -1);
      s.collect(Set.of());
      assertThat(s.all()).extracting(Generation::number).containsExactlyInAnyOrder(1L, 2L);
    }
    Files.writeString(folder.resolve("2/generation.json"), "");
    try (GenerationStore s = open()) {
      assertThat(s.base().number()).isEqualTo(1);
    }
  }

  /** A file system that rots: the first changes are kept, and the core starts. */
  @Test
  void a_log_of_changes_damaged_in_the_middle_does_not_keep_the_core_from_starting()
      throws IOException {
    try (GenerationStore s = open()) {
      for (int i = 0; i < 120; i++) {
        set(s, "k" + i, "x".repeat(20_000), 100 + i); // more than one segment
      }
    }
    Path first = folder.resolve("0/changes/00000000000000000000.seg");
    byte[] bytes = Files.readAllBytes(first);
    java.util.Arrays.fill(bytes, 500_000, 500_100, (byte) 0);
    Files.write(first, bytes);
    try (GenerationStore s = open()) {
      assertThat(s.find("c", List.of("k0"))).isPresent();
      set(s, "after", "the damage", 900);
    }
    try (GenerationStore s = open()) {
      assertThat(s.find("c", List.of("after"))).contains(StringNode.valueOf("the damage"));
      assertThat(s.find("c", List.of("k0"))).isPresent();
    }
  }

  @Test
  void many_runtime_changes_are_folded_into_a_new_generation_at_the_next_start()
      throws IOException {
    String large = "x".repeat(20_000);
    try (GenerationStore s = open()) {
      for (int i = 0; i < 40; i++) {
        set(s, "k" + i % 3, large + i, 100 + i);
      }
    }
    try (GenerationStore s = open()) {
      assertThat(s.base().number()).isEqualTo(1);
      assertThat(s.good()).isEqualTo(1);
      assertThat(s.find("c", List.of("k0"))).contains(StringNode.valueOf(large + 39));
      assertThatThrownBy(() -> set(s, "k0", "older", 1)).isInstanceOf(NucleusException.class);
    }
  }
}
