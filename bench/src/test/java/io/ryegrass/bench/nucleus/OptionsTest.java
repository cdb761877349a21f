package io.ryegrass.bench.nucleus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.bench.report.UsageException;
import org.junit.jupiter.api.Test;

class OptionsTest {
  @Test
  void everyCaseIsMeasuredUnlessOneIsNamed() throws Exception {
    assertThat(Options.parse(new String[0]).wants("memory")).isTrue();
    Options one = Options.parse(new String[] {"--only", "start"});
    assertThat(one.wants("start")).isTrue();
    assertThat(one.wants("memory")).isFalse();
  }

  @Test
  void quickMeansFewerAndShorterUnlessToldOtherwise() throws Exception {
    Options quick = Options.parse(new String[] {"--quick", "--runs", "7"});
    assertThat(quick.runs()).isEqualTo(7);
    assertThat(quick.seconds()).isLessThan(Options.parse(new String[0]).seconds());
  }

  @Test
  void aMistakeIsToldInOneSentence() {
    assertThatThrownBy(() -> Options.parse(new String[] {"--fast"}))
        .isInstanceOf(UsageException.class)
        .hasMessage("there is no option '--fast'; './ryegrass bench nucleus --help' lists them");
    assertThatThrownBy(() -> Options.parse(new String[] {"--runs", "0"}))
        .hasMessageContaining("--runs needs a number from 1");
    assertThatThrownBy(() -> Options.parse(new String[] {"--only"}))
        .hasMessage("--only needs a value");
    assertThatThrownBy(() -> Options.parse(new String[] {"--only", "dishes"}))
        .hasMessageStartingWith("--only 'dishes' names no case; there are start, ");
  }
}
