package io.ryegrass.javaruntime;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads JSON (RFC 8259) into maps, lists, strings, numbers (Integer, Long, BigInteger, Double or
 * BigDecimal: the smallest that holds it), booleans and null; {@link JsonWriter} writes.
 */
final class Json {
  /** Deeper documents are refused: reading goes down by recursion. */
  static final int DEEPEST = 500;

  private final String text;
  private int at;

  private Json(String text) {
    this.text = text;
  }

  /** A text is not JSON; the message says where. */
  static final class NotJson extends RuntimeException {
    private static final long serialVersionUID = 1;

    NotJson(String message) {
      super(message);
    }
  }

  /**
   * Reads one document.
   *
   * @throws NotJson when it is not one, or more than one
   */
  static @Nullable Object read(byte[] utf8) {
    Json json = new Json(new String(utf8, StandardCharsets.UTF_8));
    Object value = json.value(0);
    json.space();
    if (json.at < json.text.length()) {
      throw json.unexpected();
    }
    return value;
  }

  private NotJson unexpected() {
    return new NotJson(
        at >= text.length()
            ? "it ends too early"
            : "unexpected '" + text.charAt(at) + "' at position " + at);
  }

  private void space() {
    while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
  }

  private char peek() {
    space();
    if (at >= text.length()) {
      throw unexpected();
    }
    return text.charAt(at);
  }

  private void expect(char c) {
    if (peek() != c) {
      throw unexpected();
    }
    at++;
  }

  private @Nullable Object value(int depth) {
    if (depth > DEEPEST) {
      throw new NotJson("it is nested deeper than " + DEEPEST);
    }
    switch (peek()) {
      case '{':
        return object(depth);
      case '[':
        return array(depth);
      case '"':
        return string();
      case 't':
        word("true");
        return Boolean.TRUE;
      case 'f':
        word("false");
        return Boolean.FALSE;
      case 'n':
        word("null");
        return null;
      default:
        return number();
    }
  }

  private void word(String word) {
    if (!text.startsWith(word, at)) {
      throw unexpected();
    }
    at += word.length();
  }

  private Map<String, @Nullable Object> object(int depth) {
    Map<String, @Nullable Object> all = new LinkedHashMap<>();
    at++;
    if (peek() == '}') {
      at++;
      return all;
    }
    while (true) {
      if (peek() != '"') {
        throw unexpected();
      }
      String key = string();
      expect(':');
      all.put(key, value(depth + 1));
      if (peek() == '}') {
        at++;
        return all;
      }
      expect(',');
    }
  }

  private List<@Nullable Object> array(int depth) {
    List<@Nullable Object> all = new ArrayList<>();
    at++;
    if (peek() == ']') {
      at++;
      return all;
    }
    while (true) {
      all.add(value(depth + 1));
      if (peek() == ']') {
        at++;
        return all;
      }
      expect(',');
    }
  }

  private String string() {
    int start = ++at;
    // Most strings hold no escape: they are cut out as they are.
    while (at < text.length() && text.charAt(at) != '"' && text.charAt(at) != '\\') {
      if (text.charAt(at) < ' ') {
        throw unexpected();
      }
      at++;
    }
    if (at < text.length() && text.charAt(at) == '"') {
      return text.substring(start, at++);
    }
    StringBuilder out = new StringBuilder(text.substring(start, at));
    while (at < text.length()) {
      char c = text.charAt(at++);
      if (c == '"') {
        return out.toString();
      } else if (c == '\\') {
        out.append(escaped());
      } else if (c < ' ') {
        at--;
        throw unexpected();
      } else {
        out.append(c);
      }
    }
    throw unexpected();
  }

  private char escaped() {
    if (at >= text.length()) {
      throw unexpected();
    }
    char c = text.charAt(at++);
    switch (c) {
      case '"':
      case '\\':
      case '/':
        return c;
      case 'b':
        return '\b';
      case 'f':
        return '\f';
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case 'u':
        int code = 0;
        for (int i = 0; i < 4; i++) {
          int digit = at < text.length() ? Character.digit(text.charAt(at), 16) : -1;
          if (digit < 0) {
            throw unexpected();
          }
          code = code * 16 + digit;
          at++;
        }
        return (char) code;
      default:
        at--;
        throw unexpected();
    }
  }

  private Number number() {
    int start = at;
    boolean whole = true;
    if (text.charAt(at) == '-') {
      at++;
    }
    int digits = at;
    digits();
    if (at - digits > 1 && text.charAt(digits) == '0') {
      at = digits + 1;
      throw unexpected();
    }
    if (at < text.length() && text.charAt(at) == '.') {
      whole = false;
      at++;
      digits();
    }
    if (at < text.length() && (text.charAt(at) == 'e' || text.charAt(at) == 'E')) {
      whole = false;
      at++;
      if (at < text.length() && (text.charAt(at) == '+' || text.charAt(at) == '-')) {
        at++;
      }
      digits();
    }
    String number = text.substring(start, at);
    if (!whole) {
      double approximate = Double.parseDouble(number);
      return Double.isInfinite(approximate) ? new BigDecimal(number) : (Number) approximate;
    }
    if (number.length() > 19) {
      return new BigInteger(number);
    }
    try {
      long value = Long.parseLong(number);
      return value == (int) value ? (Number) (int) value : (Number) value;
    } catch (NumberFormatException e) {
      return new BigInteger(number);
    }
  }

  private void digits() {
    int start = at;
    while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
      at++;
    }
    if (at == start) {
      throw unexpected();
    }
  }
}
