package io.ryegrass.bench.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.bench.report.UsageException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OptionsTest {
  @Test
  void withoutOptionsEveryBrokerIsMeasuredThreeTimes() throws UsageException {
    Options options = Options.parse(new String[0]);
    assertThat(options.peers()).isEqualTo(Peers.BROKERS);
    assertThat(options.rounds()).isEqualTo(3);
    assertThat(Scenario.all(options.payloads())).hasSize(24);
  }

  @Test
  void quickIsOneRoundUnlessTheNumberIsNamed() throws UsageException {
    assertThat(Options.parse(new String[] {"--quick"}).rounds()).isEqualTo(1);
    assertThat(Options.parse(new String[] {"--rounds", "5", "--quick"}).rounds()).isEqualTo(5);
  }

  @ParameterizedTest
  @CsvSource({
    "--rounds, 0, '--rounds needs a number from 1 to 100, not ''0'''",
    "--seconds, soon, '--seconds needs a number from 0.1 to 600, not ''soon'''",
    "--only, [, '--only needs a regular expression, and ''['' is none'",
    "--peers, 'ryegrass,emqx', '--peers knows ryegrass, mosquitto, hivemq, moquette and reflector, not ''emqx'''",
    "--fast, , 'there is no option ''--fast''; ''./ryegrass bench mqtt --help'' lists them'"
  })
  void aMistakeIsSaidInOneSentence(String option, String value, String sentence) {
    String[] args = value == null ? new String[] {option} : new String[] {option, value};
    assertThatThrownBy(() -> Options.parse(args))
        .isInstanceOf(UsageException.class)
        .hasMessage(sentence);
  }

  @Test
  void anOptionWithoutItsValueSaysSo() {
    assertThatThrownBy(() -> Options.parse(new String[] {"--payload"}))
        .hasMessage("--payload needs a value");
  }
}
