package io.ryegrass.v1;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** {@code docs/v1-core.md} shows what the code does. */
class V1DocumentationTest {
  private static final Path HOME = Path.of("../..").toAbsolutePath().normalize();

  private static String row(V1Key key) {
    return "| `"
        + key.path()
        + "` | "
        + key.values()
        + " | "
        + (key.unset().isEmpty() ? "" : "`" + key.unset() + "`")
        + " | "
        + (key.counts() ? key.becomes() : "**no effect**: " + key.becomes())
        + " |";
  }

  @Test
  void theTableOfKeysIsTheOneInTheCode() throws IOException {
    String page = Files.readString(HOME.resolve("docs/v1-core.md"));
    String table =
        page.substring(page.indexOf("\n## config.json"))
            .lines()
            .filter(l -> l.startsWith("| `"))
            .collect(Collectors.joining("\n"));
    assertThat(table)
        .isEqualTo(
            V1Key.ALL.stream().map(V1DocumentationTest::row).collect(Collectors.joining("\n")));
  }

  @Test
  void theScriptAndTheCoreAreOfOneVersion() throws IOException {
    assertThat(Files.readString(HOME.resolve("dist/v1/greengrassd")))
        .contains("\nversion=" + V1Face.VERSION + " ");
  }
}
