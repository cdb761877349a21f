package io.ryegrass.bench.report;

import java.math.BigDecimal;
import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** The arguments of a benchmark, read one after the other. */
public final class Arguments {
  private final String bench;
  private final String[] args;
  private int at = -1;

  /**
   * @param bench how the launcher names it, for sentences: {@code cloud}
   */
  public Arguments(String bench, String... args) {
    this.bench = bench;
    this.args = args.clone();
  }

  /** Goes on to the next option; false after the last. */
  public boolean next() {
    at++;
    return at < args.length;
  }

  public String option() {
    return args[at];
  }

  /** What follows the option. */
  public String value() throws UsageException {
    if (at + 1 >= args.length) {
      throw new UsageException(option() + " needs a value");
    }
    at++;
    return args[at];
  }

  public double number(double least, double most) throws UsageException {
    String option = option();
    String text = value();
    try {
      double number = Double.parseDouble(text);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Said below, as for a number out of range.
    }
    throw new UsageException(
        "%s needs a number from %s to %s, not '%s'"
            .formatted(option, plain(least), plain(most), text));
  }

  private static String plain(double number) {
    return BigDecimal.valueOf(number).stripTrailingZeros().toPlainString();
  }

  public Pattern pattern() throws UsageException {
    String option = option();
    String text = value();
    try {
      return Pattern.compile(text);
    } catch (PatternSyntaxException e) {
      throw new UsageException(option + " needs a regular expression, and '" + text + "' is none");
    }
  }

  /** An expression that is found in one of the cases at least. */
  public Pattern only(List<String> cases) throws UsageException {
    String option = option();
    Pattern pattern = pattern();
    if (cases.stream().noneMatch(name -> pattern.matcher(name).find())) {
      throw new UsageException(
          "%s '%s' names no case; there are %s"
              .formatted(option, pattern, String.join(", ", cases)));
    }
    return pattern;
  }

  public UsageException unknown() {
    return new UsageException(
        "there is no option '%s'; './ryegrass bench %s --help' lists them"
            .formatted(option(), bench));
  }
}
