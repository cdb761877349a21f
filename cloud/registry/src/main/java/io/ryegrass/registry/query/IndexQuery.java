package io.ryegrass.registry.query;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A query that was read. */
public final class IndexQuery {
  /** Quota of fleet indexing: bytes of a query; we count characters. */
  public static final int MAX_LENGTH = 1000;

  /** Quota of fleet indexing: terms of a query. */
  public static final int MAX_TERMS = 12;

  private static final int MAX_DEPTH = 50;

  private final Condition condition;

  private IndexQuery(Condition condition) {
    this.condition = condition;
  }

  /**
   * Reads a query.
   *
   * @throws InvalidQueryException when it is none
   */
  public static IndexQuery parse(String text) {
    if (text.length() > MAX_LENGTH) {
      throw new InvalidQueryException("The query has more than " + MAX_LENGTH + " characters");
    }
    if (text.isBlank()) {
      throw new InvalidQueryException("The query is empty; '*' finds everything");
    }
    Parser parser = new Parser(text);
    Condition condition = parser.or(null, 0);
    parser.end();
    return new IndexQuery(condition);
  }

  public boolean matches(IndexFields fields) {
    return condition.holds(fields);
  }

  /** Recursive descent: OR of ANDs of NOTs; each call goes on or throws. */
  private static final class Parser {
    private final String text;
    private int at;
    private int terms;

    Parser(String text) {
      this.text = text;
    }

    Condition or(@Nullable String field, int depth) {
      if (depth > MAX_DEPTH) {
        throw invalid("is nested too deeply");
      }
      List<Condition> parts = new ArrayList<>(List.of(and(field, depth)));
      while (keyword("OR")) {
        parts.add(and(field, depth));
      }
      return parts.size() == 1 ? parts.getFirst() : new Condition.Or(List.copyOf(parts));
    }

    private Condition and(@Nullable String field, int depth) {
      List<Condition> parts = new ArrayList<>(List.of(not(field, depth)));
      while (true) {
        boolean operator = keyword("AND");
        skipSpace();
        if (!operator && (at >= text.length() || text.charAt(at) == ')' || isKeyword("OR"))) {
          return parts.size() == 1 ? parts.getFirst() : new Condition.And(List.copyOf(parts));
        }
        parts.add(not(field, depth));
      }
    }

    private Condition not(@Nullable String field, int depth) {
      boolean negated = false;
      while (true) {
        if (keyword("NOT")) {
          negated = !negated;
        } else if (at + 1 < text.length() && text.charAt(at) == '-') {
          at++;
          negated = !negated;
        } else {
          break;
        }
      }
      Condition primary = primary(field, depth);
      return negated ? new Condition.Not(primary) : primary;
    }

    private Condition primary(@Nullable String field, int depth) {
      skipSpace();
      if (at >= text.length()) {
        throw invalid("ends where a term must follow");
      }
      if (isKeyword("AND") || isKeyword("OR")) {
        throw invalid("has an operator where a term must follow");
      }
      if (text.charAt(at) == '(') {
        at++;
        Condition inner = or(field, depth + 1);
        skipSpace();
        if (at >= text.length() || text.charAt(at) != ')') {
          throw invalid("has a parenthesis that is not closed");
        }
        at++;
        return inner;
      }
      if (++terms > MAX_TERMS) {
        throw new InvalidQueryException("The query has more than " + MAX_TERMS + " terms");
      }
      return field == null ? fieldOrTerm(depth) : value(field);
    }

    private Condition fieldOrTerm(int depth) {
      int end = at;
      while (end < text.length() && "\":<>=()[]{} \t\r\n\\*?".indexOf(text.charAt(end)) < 0) {
        end++;
      }
      char stop = end < text.length() ? text.charAt(end) : ' ';
      if (end == at || ":<>".indexOf(stop) < 0) {
        return value(null);
      }
      String field = text.substring(at, end);
      at = end + 1;
      if (stop != ':') {
        boolean equalToo = at < text.length() && text.charAt(at) == '=';
        if (equalToo) {
          at++;
        }
        String bound = bound();
        return stop == '>'
            ? new Condition.Range(field, bound, equalToo, null, false)
            : new Condition.Range(field, null, false, bound, equalToo);
      }
      if (at < text.length() && text.charAt(at) == '(') {
        terms--;
        return primary(field, depth);
      }
      if (at < text.length() && (text.charAt(at) == '[' || text.charAt(at) == '{')) {
        return range(field);
      }
      return value(field);
    }

    private Condition range(String field) {
      boolean withLow = text.charAt(at++) == '[';
      String low = bound();
      if (!keyword("TO")) {
        throw invalid("has a range without TO");
      }
      String high = bound();
      skipSpace();
      char close = at < text.length() ? text.charAt(at++) : ' ';
      if (close != ']' && close != '}') {
        throw invalid("has a range that is not closed");
      }
      return new Condition.Range(
          field,
          low.equals("*") ? null : low,
          withLow,
          high.equals("*") ? null : high,
          close == ']');
    }

    private String bound() {
      skipSpace();
      if (at < text.length() && text.charAt(at) == '"') {
        return quoted();
      }
      StringBuilder found = new StringBuilder();
      while (at < text.length() && " \t\r\n()[]{}".indexOf(text.charAt(at)) < 0) {
        if (text.charAt(at) == '\\' && at + 1 < text.length()) {
          at++;
        }
        found.append(text.charAt(at++));
      }
      if (found.isEmpty()) {
        throw invalid("lacks a value");
      }
      return found.toString();
    }

    private Condition value(@Nullable String field) {
      if (at < text.length() && text.charAt(at) == '"') {
        String phrase = quoted().toLowerCase(Locale.ROOT).strip();
        return new Condition.Phrase(field, List.of(phrase.split("\\s+")));
      }
      StringBuilder found = new StringBuilder();
      List<Boolean> wild = new ArrayList<>();
      while (at < text.length() && " \t\r\n()\"".indexOf(text.charAt(at)) < 0) {
        char c = text.charAt(at++);
        boolean escaped = c == '\\' && at < text.length();
        found.append(escaped ? text.charAt(at++) : c);
        wild.add(!escaped && (c == '*' || c == '?'));
      }
      if (found.isEmpty()) {
        throw invalid("lacks a value");
      }
      if (found.toString().equals("*") && wild.getFirst()) {
        return new Condition.Exists(field);
      }
      if (wild.getFirst() && found.charAt(0) == '*') {
        throw invalid("has a term that begins with a wildcard, which is not supported");
      }
      // one character may become several in lower case; those that do not are what names hold
      StringBuilder lower = new StringBuilder();
      for (int i = 0; i < found.length(); i++) {
        lower.append(Character.toLowerCase(found.charAt(i)));
      }
      boolean[] wildcards = new boolean[wild.size()];
      for (int i = 0; i < wildcards.length; i++) {
        wildcards[i] = wild.get(i);
      }
      return new Condition.Term(field, lower.toString(), wildcards);
    }

    private String quoted() {
      StringBuilder found = new StringBuilder();
      at++;
      while (at < text.length() && text.charAt(at) != '"') {
        if (text.charAt(at) == '\\' && at + 1 < text.length()) {
          at++;
        }
        found.append(text.charAt(at++));
      }
      if (at >= text.length()) {
        throw invalid("has a quotation mark that is not closed");
      }
      at++;
      if (found.toString().isBlank()) {
        throw invalid("lacks a value");
      }
      return found.toString();
    }

    void end() {
      skipSpace();
      if (at < text.length()) {
        throw invalid("has a ')' too many");
      }
    }

    private boolean keyword(String word) {
      skipSpace();
      if (!isKeyword(word)) {
        return false;
      }
      at += word.length();
      return true;
    }

    private boolean isKeyword(String word) {
      int end = at + word.length();
      return text.startsWith(word, at)
          && (end >= text.length() || " \t\r\n()".indexOf(text.charAt(end)) >= 0);
    }

    private void skipSpace() {
      while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
        at++;
      }
    }

    private InvalidQueryException invalid(String what) {
      return new InvalidQueryException("The query " + what + ", at character " + at + ": " + text);
    }
  }
}
