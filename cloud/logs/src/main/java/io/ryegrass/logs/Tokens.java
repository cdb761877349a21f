package io.ryegrass.logs;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;

/** Texts that say where the next page begins. Clients pass them back unread. */
final class Tokens {
  private static final char SEPARATOR = '\n';

  private Tokens() {}

  /**
   * @param kind which call the token belongs to
   */
  static String of(String kind, Object... parts) {
    StringBuilder text = new StringBuilder(kind);
    for (Object part : parts) {
      text.append(SEPARATOR).append(part);
    }
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(text.toString().getBytes(StandardCharsets.UTF_8));
  }

  /** The parts of a token. */
  static List<String> parts(String token, String kind, int count) {
    try {
      String text = new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8);
      List<String> parts = List.of(text.split(String.valueOf(SEPARATOR), -1));
      if (parts.size() == count + 1 && parts.getFirst().equals(kind)) {
        return parts.subList(1, parts.size());
      }
    } catch (IllegalArgumentException e) {
      throw Faults.badToken();
    }
    throw Faults.badToken();
  }

  static long number(String text) {
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw Faults.badToken();
    }
  }
}
