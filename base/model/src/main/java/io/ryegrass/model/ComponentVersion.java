package io.ryegrass.model;

import java.math.BigInteger;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A component's semantic version: three numbers up to 999999, an optional pre-release and optional
 * build metadata, at most 64 characters (v2-recipes-config.md §1, §8).
 *
 * <p>Order: as semver.org, that is pre-release before release, numeric tags as numbers and below
 * texts. Build metadata has no rank there; here it breaks ties as text, so that order and equality
 * agree.
 */
public record ComponentVersion(
    int major, int minor, int patch, List<String> preRelease, List<String> build)
    implements Comparable<ComponentVersion> {

  private static final int MAX_LENGTH = 64;
  private static final String NUMBER = "(0|[1-9]\\d{0,5})";
  private static final String TAG = "(?:0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)";
  private static final Pattern FORM =
      Pattern.compile(
          NUMBER
              + "\\."
              + NUMBER
              + "\\."
              + NUMBER
              + "(?:-("
              + TAG
              + "(?:\\."
              + TAG
              + ")*))?(?:\\+([0-9a-zA-Z-]+(?:\\.[0-9a-zA-Z-]+)*))?");

  public ComponentVersion {
    preRelease = List.copyOf(preRelease);
    build = List.copyOf(build);
  }

  /**
   * Reads {@code major.minor.patch[-pre.release][+build]}.
   *
   * @throws InvalidDocumentException code {@code COMPONENT_VERSION_NOT_VALID}
   */
  public static ComponentVersion parse(String text) {
    Matcher m = FORM.matcher(text);
    if (text.length() > MAX_LENGTH || !m.matches()) {
      throw new InvalidDocumentException(
          "COMPONENT_VERSION_NOT_VALID",
          "'"
              + text
              + "' is not a component version; write three numbers up to 999999 as in 1.0.0 or"
              + " 1.0.0-beta, at most 64 characters");
    }
    return new ComponentVersion(
        Integer.parseInt(m.group(1)),
        Integer.parseInt(m.group(2)),
        Integer.parseInt(m.group(3)),
        tags(m.group(4)),
        tags(m.group(5)));
  }

  @SuppressWarnings("NullAway") // an absent regex group is null
  private static List<String> tags(String group) {
    return group == null ? List.of() : List.of(group.split("\\."));
  }

  /** The version as it is written in recipes. */
  public String text() {
    return major
        + "."
        + minor
        + "."
        + patch
        + (preRelease.isEmpty() ? "" : "-" + String.join(".", preRelease))
        + (build.isEmpty() ? "" : "+" + String.join(".", build));
  }

  @Override
  public int compareTo(ComponentVersion o) {
    int c = Integer.compare(major, o.major);
    c = c != 0 ? c : Integer.compare(minor, o.minor);
    c = c != 0 ? c : Integer.compare(patch, o.patch);
    c = c != 0 ? c : comparePreRelease(preRelease, o.preRelease);
    return c != 0 ? c : String.join(".", build).compareTo(String.join(".", o.build));
  }

  private static int comparePreRelease(List<String> a, List<String> b) {
    if (a.isEmpty() || b.isEmpty()) {
      return Boolean.compare(a.isEmpty(), b.isEmpty());
    }
    for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
      int c = compareTag(a.get(i), b.get(i));
      if (c != 0) {
        return c;
      }
    }
    return Integer.compare(a.size(), b.size());
  }

  private static int compareTag(String a, String b) {
    boolean numericA = a.chars().allMatch(Character::isDigit);
    boolean numericB = b.chars().allMatch(Character::isDigit);
    if (numericA && numericB) {
      return new BigInteger(a).compareTo(new BigInteger(b));
    }
    return numericA == numericB ? a.compareTo(b) : numericA ? -1 : 1;
  }

  @Override
  public String toString() {
    return text();
  }
}
