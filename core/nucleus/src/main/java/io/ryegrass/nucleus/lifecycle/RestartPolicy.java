package io.ryegrass.nucleus.lifecycle;

import java.time.Duration;
import java.util.Locale;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * What becomes of a component that fails, beyond the rule of the contract (LESSON-15). It is read
 * from the component's configuration, so that a recipe's defaults and a deployment's merge can both
 * set it, and other nuclei see nothing but a key that they do not know:
 *
 * <pre>
 * ryegrass:
 *   restartPolicy:
 *     mode: on-failure          # greengrass (default), on-failure, always
 *     attempts: 0               # failures in a row until BROKEN; 0 never gives up
 *     initialDelaySeconds: 1    # doubled with each failure in a row, with jitter
 *     maximumDelaySeconds: 300
 *     resetSeconds: 600         # that long RUNNING ends a row of failures
 * </pre>
 *
 * @param mode {@link Mode#GREENGRASS} is the contract: no delay, BROKEN at the third error of a
 *     phase
 * @param attempts 0 for without end
 */
record RestartPolicy(
    Mode mode, int attempts, Duration initialDelay, Duration maximumDelay, Duration reset) {

  /** The modes. */
  enum Mode {
    GREENGRASS,
    ON_FAILURE,
    ALWAYS
  }

  static final RestartPolicy CONTRACT =
      new RestartPolicy(Mode.GREENGRASS, 3, Duration.ZERO, Duration.ZERO, Duration.ZERO);

  /** A policy that cannot be read, with a sentence for the person who wrote it. */
  static final class NotValid extends Exception {
    private static final long serialVersionUID = 1;

    NotValid(String message) {
      super(message);
    }
  }

  /**
   * Reads the value of {@code ryegrass.restartPolicy}: an object, or the mode alone as text.
   *
   * @throws NotValid with a sentence
   */
  static RestartPolicy parse(@Nullable JsonNode node) throws NotValid {
    if (node == null || node.isNull() || node.isMissingNode()) {
      return CONTRACT;
    }
    String text = (node.isObject() ? node.path("mode") : node).asString("");
    Mode mode =
        switch (text.toLowerCase(Locale.ROOT)) {
          case "greengrass" -> Mode.GREENGRASS;
          case "on-failure" -> Mode.ON_FAILURE;
          case "always" -> Mode.ALWAYS;
          default ->
              throw new NotValid(
                  "ryegrass.restartPolicy.mode is \""
                      + text
                      + "\"; write greengrass, on-failure or always.");
        };
    if (mode == Mode.GREENGRASS) {
      return CONTRACT;
    }
    Duration initial = seconds(node, "initialDelaySeconds", 1);
    Duration most = seconds(node, "maximumDelaySeconds", 300);
    return new RestartPolicy(
        mode,
        (int) Math.clamp(number(node, "attempts", 0), 0, Integer.MAX_VALUE),
        initial,
        most.compareTo(initial) < 0 ? initial : most,
        seconds(node, "resetSeconds", 600));
  }

  private static Duration seconds(JsonNode node, String key, double unset) throws NotValid {
    return Duration.ofMillis((long) (Math.min(number(node, key, unset), 31_536_000) * 1000));
  }

  private static double number(JsonNode node, String key, double unset) throws NotValid {
    JsonNode value = node.path(key);
    if (value.isMissingNode()) {
      return unset;
    }
    try {
      double read = Double.parseDouble(value.asString(""));
      if (read >= 0) {
        return read;
      }
    } catch (NumberFormatException e) {
      throw new NotValid(
          "ryegrass.restartPolicy." + key + " is \"" + value.asString("") + "\"; write a number.");
    }
    throw new NotValid("ryegrass.restartPolicy." + key + " must not be below zero.");
  }

  /** Time between the failure number {@code failures} in a row (from 1) and the next try. */
  Duration delay(int failures, RandomGenerator random) {
    if (mode == Mode.GREENGRASS) {
      return Duration.ZERO;
    }
    double doubled = initialDelay.toMillis() * Math.pow(2, Math.min(failures, 30) - 1);
    double capped = Math.min(doubled, maximumDelay.toMillis());
    return Duration.ofMillis((long) (capped * (0.75 + random.nextDouble() / 4)));
  }
}
