package io.ryegrass.lambda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** docs/reference/function-checks.md says which test shows which check; this holds it to that. */
class ContractChecksTest {
  private static final Path HOME = Path.of("../..").toAbsolutePath().normalize();
  private static final List<Path> TESTS =
      List.of(
          HOME.resolve("core/lambda/src/test/java/io/ryegrass/lambda"),
          HOME.resolve("tests/acceptance/src/test/java/io/ryegrass/acceptance"));
  private static final Pattern ROW = Pattern.compile("\\| (\\d+) \\| [^|]+ \\| ([^|]+) \\|");
  private static final Pattern NAMED = Pattern.compile("`(\\w+Test)(?:\\.(\\w+))?`");

  private static String source(String type) {
    return TESTS.stream()
        .map(folder -> folder.resolve(type + ".java"))
        .filter(Files::exists)
        .map(
            file -> {
              try {
                return Files.readString(file).replaceAll("\\s*\\n\\s*\\*\\s+", " "); // Javadoc
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            })
        .findFirst()
        .orElse("");
  }

  @Test
  void eachCheckHasTestsThatExistAndOneThatCitesIt() throws IOException {
    String page = Files.readString(HOME.resolve("docs/reference/function-checks.md"));
    Matcher named = NAMED.matcher(page);
    while (named.find()) {
      assertThat(source(named.group(1)))
          .as(named.group())
          .contains(
              named.group(2) == null ? "class " + named.group(1) : " " + named.group(2) + "(");
    }
    List<String> rows = page.lines().filter(l -> ROW.matcher(l).matches()).toList();
    assertThat(rows).hasSize(13);
    for (int check : IntStream.rangeClosed(1, 13).toArray()) {
      Matcher row = ROW.matcher(rows.get(check - 1));
      assertThat(row.matches()).isTrue();
      assertThat(row.group(1)).isEqualTo(Integer.toString(check));
      Pattern cited = Pattern.compile("section 12, checks? [0-9, and]*\\b" + check + "\\b");
      Stream<String> sources = NAMED.matcher(row.group(2)).results().map(r -> source(r.group(1)));
      assertThat(sources.anyMatch(s -> cited.matcher(s).find()))
          .as("a test of row %s says: v1-lambda-runtime.md section 12, check %s", check, check)
          .isTrue();
    }
  }
}
