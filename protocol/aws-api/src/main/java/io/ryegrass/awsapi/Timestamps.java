package io.ryegrass.awsapi;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * The three forms of a timestamp on the wire. In our trees a timestamp is always a number: seconds
 * since 1970 with at most three decimals.
 */
final class Timestamps {

  static final String ISO = "iso8601";
  static final String RFC = "rfc822";
  static final String UNIX = "unixTimestamp";

  private static final DateTimeFormatter HTTP_DATE =
      DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.US)
          .withZone(ZoneOffset.UTC);

  /** 9999-12-31 in seconds. */
  private static final BigDecimal LATEST = BigDecimal.valueOf(253_402_300_799L);

  private Timestamps() {}

  static JsonNode of(Instant instant) {
    if (instant.getNano() / 1_000_000 == 0) {
      return JsonNodeFactory.instance.numberNode(instant.getEpochSecond());
    }
    return JsonNodeFactory.instance.numberNode(BigDecimal.valueOf(instant.toEpochMilli(), 3));
  }

  /** Numbers beyond any time are refused before they are computed with. */
  static Instant instant(JsonNode number) {
    BigDecimal seconds = number.decimalValue();
    if (Math.abs((long) seconds.scale()) > 100
        || seconds.precision() > 100
        || seconds.abs().compareTo(LATEST) > 0) {
      throw new AwsException("SerializationException", 400, "not a timestamp: " + seconds);
    }
    return Instant.ofEpochMilli(
        number.decimalValue().movePointRight(3).setScale(0, RoundingMode.HALF_UP).longValueExact());
  }

  /** Reads any of the three forms: clients do not always send the one the model names. */
  static JsonNode parse(String text) {
    try {
      char last = text.isEmpty() ? ' ' : text.charAt(text.length() - 1);
      if (Character.isDigit(last) && text.indexOf('T') < 0) {
        return of(instant(JsonNodeFactory.instance.numberNode(new BigDecimal(text))));
      }
      if (text.indexOf('T') > 0 && Character.isDigit(text.charAt(0))) {
        return of(ZonedDateTime.parse(text).toInstant());
      }
      return of(ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant());
    } catch (DateTimeException | ArithmeticException | NumberFormatException e) {
      throw new AwsException("SerializationException", 400, "not a timestamp: '" + text + "'");
    }
  }

  static String text(JsonNode number, String format) {
    Instant instant = instant(number);
    return switch (format) {
      case ISO -> instant.toString();
      case RFC -> HTTP_DATE.format(instant);
      default -> of(instant).asString();
    };
  }
}
