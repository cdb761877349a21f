package io.ryegrass.awsapi;

import java.util.ArrayList;
import java.util.List;

/**
 * Lists in one header: parts between commas, with quotes round those that hold a comma or a quote
 * (Smithy 2.0, "httpHeader serialization rules"). Dates of HTTP have a comma of their own.
 */
final class HeaderLists {

  private HeaderLists() {}

  static List<String> split(String text, boolean dates) {
    List<String> parts = new ArrayList<>();
    StringBuilder part = new StringBuilder();
    boolean quoted = false;
    boolean wasQuoted = false;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (quoted && c == '\\' && i + 1 < text.length()) {
        part.append(text.charAt(++i));
      } else if (c == '"' && (quoted || part.toString().isBlank())) {
        quoted = !quoted;
        wasQuoted = true;
        part.setLength(quoted ? 0 : part.length());
      } else if (c == ',' && !quoted && !(dates && isDayOfWeek(part))) {
        add(parts, part, wasQuoted);
        wasQuoted = false;
      } else if (quoted || !wasQuoted) {
        part.append(c);
      }
    }
    add(parts, part, wasQuoted);
    return parts;
  }

  private static boolean isDayOfWeek(CharSequence part) {
    return part.toString().strip().length() == 3;
  }

  private static void add(List<String> parts, StringBuilder part, boolean wasQuoted) {
    String text = wasQuoted ? part.toString() : part.toString().strip();
    if (wasQuoted || !text.isEmpty()) {
      parts.add(text);
    }
    part.setLength(0);
  }

  static String join(List<String> parts, boolean mayQuote) {
    List<String> written = new ArrayList<>();
    for (String part : parts) {
      boolean quote = mayQuote && (part.indexOf(',') >= 0 || part.indexOf('"') >= 0);
      written.add(quote ? '"' + part.replace("\\", "\\\\").replace("\"", "\\\"") + '"' : part);
    }
    return String.join(", ", written);
  }
}
