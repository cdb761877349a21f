package io.ryegrass.policy;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A text pattern as a small automaton. Matching takes time proportional to pattern times text, for
 * every pattern: policies come from users, and a backtracking matcher would let one of them stop a
 * server.
 *
 * <p>Each token is a state. The set of reached states is stepped through the text; {@code ANY} and
 * {@code LEVEL} stay in their state and may also be skipped, {@code REST} ends the match or, at a
 * slash, goes on to the {@code ANY} that always follows it.
 */
final class Glob {
  private enum Kind {
    /** One given character. */
    LITERAL,
    /** {@code ?}: one character. */
    ONE,
    /** {@code *}: any run of characters, also across slashes. */
    ANY,
    /** MQTT {@code +}: the rest of one level. */
    LEVEL,
    /** MQTT {@code /#} at the end: nothing, or a slash and anything. */
    REST
  }

  private record Token(Kind kind, int character) {}

  private static final Token ANY = new Token(Kind.ANY, 0);

  private final List<Token> tokens;

  /** How many characters stand before the first wildcard: most patterns fail there, cheaply. */
  private final int prefix;

  private Glob(List<Token> tokens) {
    this.tokens = List.copyOf(tokens);
    int literals = 0;
    while (literals < tokens.size() && tokens.get(literals).kind() == Kind.LITERAL) {
      literals++;
    }
    this.prefix = literals;
  }

  /**
   * A pattern of IAM and IoT policies: {@code *}, {@code ?}, escapes <code>${*} ${?} ${$}</code>,
   * and variables. A variable's value is literal text: a {@code *} in it is not a wildcard. A
   * default is written <code>${name, 'text'}</code>.
   *
   * @return empty when a variable has no value
   */
  static Optional<Glob> withVariables(String pattern, Map<String, String> variables) {
    List<Token> tokens = new ArrayList<>();
    for (int i = 0; i < pattern.length(); ) {
      int end = pattern.startsWith("${", i) ? pattern.indexOf('}', i) : -1;
      if (end > 0) {
        String value = value(pattern.substring(i + 2, end), variables);
        if (value == null) {
          return Optional.empty();
        }
        literal(tokens, value);
        i = end + 1;
      } else {
        i += plain(tokens, pattern, i);
      }
    }
    return Optional.of(new Glob(tokens));
  }

  /** A pattern without variables, as in documents of version 2008-10-17 and in action names. */
  static Glob plain(String pattern) {
    List<Token> tokens = new ArrayList<>();
    for (int i = 0; i < pattern.length(); ) {
      i += plain(tokens, pattern, i);
    }
    return new Glob(tokens);
  }

  /**
   * A resource of an IPC policy: {@code *} and the three escapes; with {@code mqtt} also {@code +}
   * and {@code #} where MQTT gives them a meaning. The text has been checked before.
   */
  static Glob resource(String pattern, boolean mqtt) {
    List<Token> tokens = new ArrayList<>();
    for (int i = 0; i < pattern.length(); ) {
      if (pattern.startsWith("${", i) && pattern.indexOf('}', i) == i + 3) {
        tokens.add(new Token(Kind.LITERAL, pattern.charAt(i + 2)));
        i += 4;
      } else if (mqtt && pattern.charAt(i) == '+' && wholeLevel(pattern, i)) {
        tokens.add(new Token(Kind.LEVEL, 0));
        i++;
      } else if (mqtt && pattern.substring(i).equals("/#")) {
        tokens.add(new Token(Kind.REST, 0));
        tokens.add(ANY);
        i += 2;
      } else if (mqtt && pattern.equals("#")) {
        tokens.add(ANY);
        i++;
      } else {
        i += plain(tokens, pattern, i);
      }
    }
    return new Glob(tokens);
  }

  boolean matches(String text) {
    int start = literalPrefix(text);
    if (start < 0) {
      return false;
    }
    BitSet states = new BitSet(tokens.size() + 1);
    BitSet next = new BitSet(tokens.size() + 1);
    reach(states, prefix);
    for (int i = start; i < text.length(); ) {
      int c = text.codePointAt(i);
      next.clear();
      step(states, c, next);
      if (next.isEmpty()) {
        return false;
      }
      BitSet old = states;
      states = next;
      next = old;
      i += Character.charCount(c);
    }
    return states.get(tokens.size()) || endsAtRest(states);
  }

  /** Where the text goes on behind the pattern's leading characters; -1 when it differs there. */
  private int literalPrefix(String text) {
    int at = 0;
    for (int t = 0; t < prefix; t++) {
      if (at >= text.length() || text.codePointAt(at) != tokens.get(t).character()) {
        return -1;
      }
      at += Character.charCount(tokens.get(t).character());
    }
    return at;
  }

  private void step(BitSet from, int c, BitSet to) {
    for (int s = from.nextSetBit(0); s >= 0 && s < tokens.size(); s = from.nextSetBit(s + 1)) {
      Token token = tokens.get(s);
      switch (token.kind()) {
        case LITERAL -> {
          if (token.character() == c) {
            reach(to, s + 1);
          }
        }
        case ONE -> reach(to, s + 1);
        case ANY -> reach(to, s);
        case LEVEL -> {
          if (c != '/') {
            reach(to, s);
          }
        }
        case REST -> {
          if (c == '/') {
            reach(to, s + 1);
          }
        }
      }
    }
  }

  /** Marks a state and those after it that need no character. */
  private void reach(BitSet states, int state) {
    int s = state;
    states.set(s);
    while (s < tokens.size()
        && (tokens.get(s).kind() == Kind.ANY || tokens.get(s).kind() == Kind.LEVEL)) {
      s++;
      states.set(s);
    }
  }

  private boolean endsAtRest(BitSet states) {
    int rest = tokens.size() - 2;
    return rest >= 0 && tokens.get(rest).kind() == Kind.REST && states.get(rest);
  }

  private static boolean wholeLevel(String pattern, int at) {
    boolean startsLevel = at == 0 || pattern.charAt(at - 1) == '/';
    boolean endsLevel = at == pattern.length() - 1 || pattern.charAt(at + 1) == '/';
    return startsLevel && endsLevel;
  }

  private static int plain(List<Token> tokens, String pattern, int at) {
    int c = pattern.codePointAt(at);
    tokens.add(
        switch (c) {
          case '*' -> ANY;
          case '?' -> new Token(Kind.ONE, 0);
          default -> new Token(Kind.LITERAL, c);
        });
    return Character.charCount(c);
  }

  private static void literal(List<Token> tokens, String text) {
    text.codePoints().forEach(c -> tokens.add(new Token(Kind.LITERAL, c)));
  }

  private static @Nullable String value(String expression, Map<String, String> variables) {
    if (expression.equals("*") || expression.equals("?") || expression.equals("$")) {
      return expression;
    }
    int comma = expression.indexOf(',');
    String name = (comma < 0 ? expression : expression.substring(0, comma)).strip();
    String value = Variables.find(variables, name);
    if (value != null || comma < 0) {
      return value;
    }
    String fallback = expression.substring(comma + 1).strip();
    boolean quoted = fallback.length() >= 2 && fallback.startsWith("'") && fallback.endsWith("'");
    return quoted ? fallback.substring(1, fallback.length() - 1) : null;
  }
}
