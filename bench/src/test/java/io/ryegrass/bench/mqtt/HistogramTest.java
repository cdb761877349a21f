package io.ryegrass.bench.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

class HistogramTest {
  @Test
  void quantilesAreWithinOneInAHundredOfTheSortedValues() {
    Random random = new Random(7);
    Histogram histogram = new Histogram();
    long[] values = new long[100_000];
    for (int i = 0; i < values.length; i++) {
      values[i] = (long) Math.exp(random.nextDouble() * 23);
      histogram.record(values[i]);
    }
    Arrays.sort(values);
    for (double share : new double[] {0.01, 0.5, 0.9, 0.99, 0.999}) {
      long exact = values[(int) Math.ceil(share * values.length) - 1];
      assertThat(histogram.quantile(share)).isGreaterThanOrEqualTo(exact);
      assertThat((double) histogram.quantile(share)).isCloseTo(exact, Percentage.withPercentage(1));
    }
    assertThat(histogram.total()).isEqualTo(values.length);
  }

  @Test
  void theLargestQuantileIsTheLargestValueAndAnEmptyOneIsNothing() {
    Histogram histogram = new Histogram();
    assertThat(histogram.quantile(0.5)).isZero();
    histogram.record(1_234_567);
    histogram.record(-5);
    assertThat(histogram.quantile(1)).isEqualTo(1_234_567);
    assertThat((double) histogram.quantile(0.5)).isCloseTo(0, within(0.1));
  }
}
