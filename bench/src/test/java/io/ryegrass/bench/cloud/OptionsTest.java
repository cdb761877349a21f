package io.ryegrass.bench.cloud;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.bench.report.UsageException;
import org.junit.jupiter.api.Test;

class OptionsTest {
  private static Options parse(String... args) throws UsageException {
    return Options.parse(args);
  }

  @Test
  void tenThousandCoresUnlessSaidOtherwise() throws Exception {
    assertThat(parse().cores()).isEqualTo(10_000);
    assertThat(parse("--quick").cores()).isEqualTo(1000);
    assertThat(parse("--quick", "--cores", "7").cores()).isEqualTo(7);
  }

  @Test
  void onlyTakesTheCasesThatItsExpressionIsFoundIn() throws Exception {
    Options options = parse("--only", "api|fleet");
    assertThat(options.only().matcher("fleet").find()).isTrue();
    assertThat(options.only().matcher("shadow").find()).isFalse();
  }

  @Test
  void aMistakeIsOneSentenceThatNamesIt() {
    assertThatThrownBy(() -> parse("--cores", "20000"))
        .hasMessageContaining("--cores needs a number from 1 to 10400");
    assertThatThrownBy(() -> parse("--only", "flet")).hasMessageContaining("names no case");
    assertThatThrownBy(() -> parse("--database", "mysql:x"))
        .hasMessageContaining("jdbc:postgresql:");
    assertThatThrownBy(() -> parse("--fast")).hasMessageContaining("'--fast'");
  }
}
