package io.ryegrass.policy;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One statement, parsed.
 *
 * @param variables whether <code>${…}</code> has a meaning (documents of version 2012-10-17)
 * @param principals who a trust policy trusts: kind ({@code AWS}, {@code Service}, {@code *}) to
 *     names; empty in other policies
 * @param allPrincipalsBut whether it is for all but those, as with NotPrincipal
 */
record Statement(
    boolean allow,
    Patterns actions,
    Patterns resources,
    List<Condition> conditions,
    boolean variables,
    Map<String, List<String>> principals,
    boolean allPrincipalsBut) {

  /** A list of patterns; {@code inverted} for NotAction and NotResource. */
  record Patterns(List<String> patterns, boolean inverted) {}

  boolean applies(
      String action,
      @Nullable String resource,
      Map<String, String> values,
      Map<String, List<String>> lists) {
    return matchesAction(action)
        && (resource == null || matchesResource(resource, values))
        && conditions.stream().allMatch(c -> c.holds(values, lists, allow, variables));
  }

  private boolean matchesAction(String action) {
    String wanted = action.toLowerCase(Locale.ROOT);
    boolean found =
        actions.patterns().stream()
            .anyMatch(p -> Glob.plain(p.toLowerCase(Locale.ROOT)).matches(wanted));
    return found != actions.inverted();
  }

  /**
   * An entry with a variable that has no value matches nothing. Under NotResource that would open
   * the door, so there such an entry makes an Allow not match and a Deny match.
   */
  private boolean matchesResource(String resource, Map<String, String> values) {
    boolean found = false;
    for (String pattern : resources.patterns()) {
      var glob =
          variables
              ? Glob.withVariables(pattern, values)
              : java.util.Optional.of(Glob.plain(pattern));
      if (glob.isEmpty() && resources.inverted()) {
        return !allow;
      }
      found |= glob.isPresent() && glob.get().matches(resource);
    }
    return found != resources.inverted();
  }
}
