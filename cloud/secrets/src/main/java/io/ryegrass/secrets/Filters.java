package io.ryegrass.secrets;

import io.ryegrass.secrets.SecretTables.Secret;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/**
 * The filters of ListSecrets and BatchGetSecretValue. A secret must satisfy each filter, by one of
 * its values; a value that begins with {@code !} is satisfied by what does not match the rest.
 *
 * <p>By the API reference all keys match prefixes; {@code name}, {@code tag-key}, {@code
 * tag-value}, {@code primary-region} and {@code owning-service} heed case, {@code description} and
 * {@code all} do not. {@code all} takes the words of its value apart and wants each of them
 * somewhere. Prefixes of descriptions may begin at any of their words.
 */
final class Filters {
  private final List<Predicate<Secret>> all = new ArrayList<>();
  private final String region;

  Filters(JsonNode filters, String region) {
    this.region = region;
    for (JsonNode filter : filters) {
      String key = filter.path("Key").asString("");
      List<Predicate<Secret>> any = new ArrayList<>();
      filter.path("Values").forEach(v -> any.add(one(key, v.asString(""))));
      if (key.isEmpty() || any.isEmpty()) {
        throw Faults.invalidParameter("Each filter needs a Key and at least one of Values.");
      }
      all.add(secret -> any.stream().anyMatch(p -> p.test(secret)));
    }
  }

  boolean match(Secret secret) {
    return all.stream().allMatch(p -> p.test(secret));
  }

  private Predicate<Secret> one(String key, String value) {
    return value.startsWith("!") ? plain(key, value.substring(1)).negate() : plain(key, value);
  }

  private Predicate<Secret> plain(String key, String value) {
    return switch (key) {
      case "name" -> s -> s.name().startsWith(value);
      case "description" -> s -> wordStarts(description(s), value);
      case "tag-key" -> s -> s.tags().propertyNames().stream().anyMatch(k -> k.startsWith(value));
      case "tag-value" -> s -> tagValues(s).anyMatch(v -> v.startsWith(value));
      case "primary-region" -> s -> region.startsWith(value);
      case "owning-service" -> s -> value.isEmpty();
      case "all" -> s -> Stream.of(value.split("[^\\p{L}\\p{N}]+")).allMatch(w -> anywhere(s, w));
      default -> throw Faults.invalidParameter("There is no filter key '" + key + "'.");
    };
  }

  private boolean anywhere(Secret secret, String word) {
    return Stream.of(
            Stream.of(secret.name(), description(secret), region),
            secret.tags().propertyNames().stream(),
            tagValues(secret))
        .flatMap(texts -> texts)
        .anyMatch(text -> wordStarts(text, word));
  }

  private static boolean wordStarts(String text, String prefix) {
    String in = text.toLowerCase(Locale.ROOT);
    String wanted = prefix.toLowerCase(Locale.ROOT);
    for (int at = in.indexOf(wanted); at >= 0; at = in.indexOf(wanted, at + 1)) {
      if (at == 0 || !Character.isLetterOrDigit(in.charAt(at - 1))) {
        return true;
      }
    }
    return false;
  }

  private static String description(Secret secret) {
    return secret.description() == null ? "" : secret.description();
  }

  private static Stream<String> tagValues(Secret secret) {
    return secret.tags().propertyStream().map(e -> e.getValue().asString(""));
  }
}
