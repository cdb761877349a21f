package io.ryegrass.model;

import java.util.Map;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/** Platform templates of manifests against the attributes of a device (v2-recipes-config.md §2). */
public final class PlatformMatcher {
  private PlatformMatcher() {}

  /** Whether every entry of the template is satisfied by the device. */
  public static boolean matches(Map<String, String> template, Map<String, String> device) {
    return template.entrySet().stream()
        .allMatch(e -> matches(e.getKey(), e.getValue(), device.get(e.getKey())));
  }

  private static boolean matches(String key, String template, @Nullable String value) {
    if (template.equals("*")) {
      return true;
    }
    if (value == null || template.isEmpty()) {
      return false;
    }
    if (template.length() >= 2 && template.startsWith("/") && template.endsWith("/")) {
      try {
        return Pattern.matches(template.substring(1, template.length() - 1), value);
      } catch (PatternSyntaxException e) {
        return false; // "other text never": a template that is no regular expression fits no device
      }
    }
    if ((key.equals("os") || key.equals("architecture"))
        && (template.equals("all") || template.equals("any"))) {
      return true;
    }
    return Character.isLetterOrDigit(template.charAt(0)) && template.equals(value);
  }
}
