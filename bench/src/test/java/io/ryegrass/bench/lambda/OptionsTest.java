package io.ryegrass.bench.lambda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.bench.report.UsageException;
import org.junit.jupiter.api.Test;

class OptionsTest {
  @Test
  void aCaseOrARuntimeCanBeNamed() throws Exception {
    assertThat(Options.parse(new String[0]).wants("heap")).isTrue();
    Options one = Options.parse(new String[] {"--only", "nodejs-ric"});
    assertThat(one.wants("nodejs-ric")).isTrue();
    assertThat(one.wants("java")).isFalse();
    assertThatThrownBy(() -> Options.parse(new String[] {"--only", "cobol"}))
        .isInstanceOf(UsageException.class)
        .hasMessageStartingWith("--only 'cobol' names no case; there are floor, call, ");
  }
}
