package io.ryegrass.model;

import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.semver4j.Semver;
import org.semver4j.SemverException;
import org.semver4j.range.Range;
import org.semver4j.range.RangeList;
import org.semver4j.range.RangeListFactory;

/**
 * A version requirement in npm's form ({@code >=1.0.0 <2.0.0}, {@code ^1.2.3}, {@code 1.x}, {@code
 * *}, {@code a - b}, {@code a || b}), v2-recipes-config.md §8.
 *
 * <p>The ranges come from semver4j. Where its present major version differs from the one whose
 * behaviour devices in the field have, this class restores the field's: {@code *} and {@code
 * >=0.0.0} also hold pre-releases. Corrected as well are {@code ^0} (below 1.0.0), {@code ^0.0}
 * (below 0.1.0), a bare {@code x}, and texts that it reads as an empty range or as an Ivy interval,
 * which are refused here.
 */
public record VersionRequirement(String text) {
  private static final Pattern CARET_ZERO = Pattern.compile("\\^0(?:\\.[xX*]){0,2}(?![.\\w])");
  private static final Pattern CARET_ZERO_ZERO = Pattern.compile("\\^0\\.0(?:\\.[xX*])?(?![.\\w])");
  private static final Pattern BARE_X = Pattern.compile("(?<![\\w.+-])[xX](?![\\w.+-])");
  private static final Range ANY = new Range(Semver.ZERO, Range.RangeOperator.GTE);

  /** Any version. */
  public static final VersionRequirement ANY_VERSION = new VersionRequirement("*");

  /**
   * Checks and keeps a requirement.
   *
   * @throws InvalidDocumentException code {@code COMPONENT_DEPENDENCY_NOT_VALID}
   */
  public static VersionRequirement parse(String text) {
    VersionRequirement requirement = new VersionRequirement(text);
    List<List<Range>> ranges;
    try {
      ranges = requirement.ranges().get();
    } catch (SemverException | NumberFormatException e) {
      throw notValid(text, e);
    }
    if (ranges.isEmpty()
        || ranges.stream().anyMatch(List::isEmpty)
        || text.chars().anyMatch(c -> "[]()!,".indexOf(c) >= 0)) {
      throw notValid(text, null);
    }
    return requirement;
  }

  private static InvalidDocumentException notValid(String text, @Nullable Exception cause) {
    String message =
        "'"
            + text
            + "' is not a version requirement; write it in npm's form, for example 1.0.0, ^1.2.0 or"
            + " >=1.0.0 <2.0.0";
    return cause == null
        ? new InvalidDocumentException("COMPONENT_DEPENDENCY_NOT_VALID", message)
        : new InvalidDocumentException("COMPONENT_DEPENDENCY_NOT_VALID", message, cause);
  }

  /** Whether the version fulfils the requirement. Build metadata is not looked at. */
  public boolean accepts(ComponentVersion version) {
    RangeList ranges = ranges();
    return ranges.get().stream()
            .anyMatch(all -> !all.isEmpty() && all.stream().allMatch(ANY::equals))
        || ranges.isSatisfiedBy(new Semver(version.text()));
  }

  private RangeList ranges() {
    String npm = CARET_ZERO_ZERO.matcher(text).replaceAll("0.0.x");
    npm = CARET_ZERO.matcher(npm).replaceAll("0.x");
    npm = BARE_X.matcher(npm).replaceAll("*");
    return RangeListFactory.create(npm);
  }

  @Override
  public String toString() {
    return text;
  }
}
