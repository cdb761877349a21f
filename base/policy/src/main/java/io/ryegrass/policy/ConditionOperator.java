package io.ryegrass.policy;

import java.math.BigDecimal;
import java.net.InetAddress;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.IntPredicate;

/** The table of condition operators. A new operator is one more row. */
record ConditionOperator(boolean negated, Comparison comparison) {

  /** Empty when one of the texts is not of the operator's type. */
  @FunctionalInterface
  interface Comparison {
    Optional<Boolean> matches(String actual, String expected, Glob pattern);
  }

  private static final Map<String, ConditionOperator> TABLE = new TreeMap<>();

  static {
    both("StringEquals", "StringNotEquals", (a, e, p) -> Optional.of(a.equals(e)));
    both(
        "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase",
        (a, e, p) -> Optional.of(a.equalsIgnoreCase(e)));
    both("StringLike", "StringNotLike", (a, e, p) -> Optional.of(p.matches(a)));
    both("ArnLike", "ArnNotLike", (a, e, p) -> Optional.of(p.matches(a)));
    both("ArnEquals", "ArnNotEquals", (a, e, p) -> Optional.of(p.matches(a)));
    both("NumericEquals", "NumericNotEquals", number(c -> c == 0));
    one("NumericLessThan", number(c -> c < 0));
    one("NumericLessThanEquals", number(c -> c <= 0));
    one("NumericGreaterThan", number(c -> c > 0));
    one("NumericGreaterThanEquals", number(c -> c >= 0));
    both("DateEquals", "DateNotEquals", date(c -> c == 0));
    one("DateLessThan", date(c -> c < 0));
    one("DateLessThanEquals", date(c -> c <= 0));
    one("DateGreaterThan", date(c -> c > 0));
    one("DateGreaterThanEquals", date(c -> c >= 0));
    one("Bool", (a, e, p) -> Optional.of(a.equalsIgnoreCase(e)));
    one("BinaryEquals", (a, e, p) -> Optional.of(a.equals(e)));
    both("IpAddress", "NotIpAddress", (a, e, p) -> inNetwork(a, e));
  }

  static Optional<ConditionOperator> find(String name) {
    return Optional.ofNullable(TABLE.get(name));
  }

  Optional<Boolean> matches(String actual, String expected, Glob pattern) {
    return comparison.matches(actual, expected, pattern);
  }

  private static void one(String name, Comparison comparison) {
    TABLE.put(name, new ConditionOperator(false, comparison));
  }

  private static void both(String name, String negated, Comparison comparison) {
    one(name, comparison);
    TABLE.put(negated, new ConditionOperator(true, comparison));
  }

  private static Comparison number(IntPredicate test) {
    return (actual, expected, pattern) -> {
      try {
        return Optional.of(test.test(new BigDecimal(actual).compareTo(new BigDecimal(expected))));
      } catch (NumberFormatException e) {
        return Optional.empty();
      }
    };
  }

  private static Comparison date(IntPredicate test) {
    return (actual, expected, pattern) -> {
      try {
        return Optional.of(test.test(moment(actual).compareTo(moment(expected))));
      } catch (DateTimeException | NumberFormatException e) {
        return Optional.empty();
      }
    };
  }

  private static Instant moment(String text) {
    return text.indexOf('-') > 0
        ? OffsetDateTime.parse(text).toInstant()
        : Instant.ofEpochSecond(Long.parseLong(text));
  }

  private static Optional<Boolean> inNetwork(String address, String network) {
    try {
      int slash = network.indexOf('/');
      byte[] wanted =
          InetAddress.ofLiteral(slash < 0 ? network : network.substring(0, slash)).getAddress();
      byte[] actual = InetAddress.ofLiteral(address).getAddress();
      int bits = slash < 0 ? wanted.length * 8 : Integer.parseInt(network.substring(slash + 1));
      if (bits < 0 || bits > wanted.length * 8) {
        return Optional.empty();
      }
      return Optional.of(actual.length == wanted.length && samePrefix(actual, wanted, bits));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static boolean samePrefix(byte[] a, byte[] b, int bits) {
    for (int i = 0; i < bits; i++) {
      int mask = 0x80 >> (i % 8);
      if ((a[i / 8] & mask) != (b[i / 8] & mask)) {
        return false;
      }
    }
    return true;
  }
}
