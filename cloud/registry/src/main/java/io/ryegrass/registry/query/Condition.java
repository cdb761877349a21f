package io.ryegrass.registry.query;

import java.math.BigDecimal;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A query as a tree. */
sealed interface Condition {
  boolean holds(IndexFields fields);

  record And(List<Condition> parts) implements Condition {
    @Override
    public boolean holds(IndexFields fields) {
      return parts.stream().allMatch(p -> p.holds(fields));
    }
  }

  record Or(List<Condition> parts) implements Condition {
    @Override
    public boolean holds(IndexFields fields) {
      return parts.stream().anyMatch(p -> p.holds(fields));
    }
  }

  record Not(Condition part) implements Condition {
    @Override
    public boolean holds(IndexFields fields) {
      return !part.holds(fields);
    }
  }

  /** {@code *} alone: every document, or every one that has the field. */
  record Exists(@Nullable String field) implements Condition {
    @Override
    public boolean holds(IndexFields fields) {
      return field == null || !fields.values(field).isEmpty();
    }
  }

  /** A word, with wildcards where {@code wild} says so; in lower case. */
  record Term(@Nullable String field, String text, boolean[] wild) implements Condition {
    @Override
    public boolean holds(IndexFields fields) {
      var values = field == null ? fields.all() : fields.values(field);
      for (String value : values) {
        String lower = value.toLowerCase(Locale.ROOT);
        if (matches(lower)) {
          return true;
        }
        for (String word : lower.split("\\s+")) {
          if (matches(word)) {
            return true;
          }
        }
      }
      return false;
    }

    /** Goes back to the last star only, so it takes pattern times text steps at most. */
    private boolean matches(String value) {
      int at = 0;
      int in = 0;
      int star = -1;
      int resume = 0;
      while (in < value.length()) {
        if (at < text.length() && wild[at] && text.charAt(at) == '*') {
          star = at++;
          resume = in;
        } else if (at < text.length()
            && (wild[at] ? text.charAt(at) == '?' : text.charAt(at) == value.charAt(in))) {
          at++;
          in++;
        } else if (star >= 0) {
          at = star + 1;
          in = ++resume;
        } else {
          return false;
        }
      }
      while (at < text.length() && wild[at] && text.charAt(at) == '*') {
        at++;
      }
      return at == text.length();
    }
  }

  /** Words that follow each other; in lower case. */
  record Phrase(@Nullable String field, List<String> words) implements Condition {
    @Override
    public boolean holds(IndexFields fields) {
      var values = field == null ? fields.all() : fields.values(field);
      for (String value : values) {
        List<String> found = List.of(value.toLowerCase(Locale.ROOT).strip().split("\\s+"));
        for (int i = 0; i + words.size() <= found.size(); i++) {
          if (found.subList(i, i + words.size()).equals(words)) {
            return true;
          }
        }
      }
      return false;
    }
  }

  /** A field between two bounds; an absent one is open. Numbers compare as numbers. */
  record Range(
      String field, @Nullable String low, boolean withLow, @Nullable String high, boolean withHigh)
      implements Condition {
    @Override
    public boolean holds(IndexFields fields) {
      return fields.values(field).stream().anyMatch(this::inside);
    }

    private boolean inside(String value) {
      return (low == null || within(compare(value, low), withLow))
          && (high == null || within(compare(value, high).map(c -> -c), withHigh));
    }

    private static boolean within(Optional<Integer> order, boolean equalToo) {
      return order.isPresent() && (order.get() > 0 || equalToo && order.get() == 0);
    }

    /** Empty when one is a number and the other is not. */
    private static Optional<Integer> compare(String value, String bound) {
      Optional<BigDecimal> a = number(value);
      Optional<BigDecimal> b = number(bound);
      if (a.isPresent() && b.isPresent()) {
        return Optional.of(a.get().compareTo(b.get()));
      }
      return a.isPresent() || b.isPresent()
          ? Optional.empty()
          : Optional.of(
              Integer.signum(
                  value.toLowerCase(Locale.ROOT).compareTo(bound.toLowerCase(Locale.ROOT))));
    }

    private static Optional<BigDecimal> number(String text) {
      try {
        return text.length() > 64 ? Optional.empty() : Optional.of(new BigDecimal(text));
      } catch (NumberFormatException e) {
        return Optional.empty();
      }
    }
  }
}
