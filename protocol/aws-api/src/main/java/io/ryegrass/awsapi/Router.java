package io.ryegrass.awsapi;

import io.ryegrass.awsapi.ServiceModel.Operation;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Finds the operation of a restJson service by method and path. Routes are indexed by method and
 * first segment; within an index entry, literal segments win over labels, and labels over greedy
 * ones. Trailing slashes are ignored, because models and clients disagree about them.
 */
final class Router {

  /** An operation and the decoded labels of its path. */
  record Match(Operation operation, Map<String, String> labels) {}

  private final Map<String, List<Operation>> byStart = new HashMap<>();

  Router(ServiceModel model) {
    for (Operation operation : model.operations().values()) {
      String first = operation.segments().isEmpty() ? "" : operation.segments().getFirst();
      byStart
          .computeIfAbsent(
              operation.method() + ' ' + (first.startsWith("{") ? "" : first),
              k -> new ArrayList<>())
          .add(operation);
    }
    byStart.values().forEach(list -> list.sort(Comparator.comparingInt(Router::vagueness)));
  }

  Optional<Match> find(String method, List<String> rawSegments, Map<String, List<String>> query) {
    String first = rawSegments.isEmpty() ? "" : rawSegments.getFirst();
    Match match = among(byStart.get(method + ' ' + first), rawSegments, query);
    if (match == null && !first.isEmpty()) {
      match = among(byStart.get(method + ' '), rawSegments, query);
    }
    return Optional.ofNullable(match);
  }

  private static @Nullable Match among(
      @Nullable List<Operation> operations,
      List<String> segments,
      Map<String, List<String>> query) {
    if (operations == null) {
      return null;
    }
    for (Operation operation : operations) {
      Map<String, String> labels = match(operation.segments(), segments);
      if (labels != null && hasLiterals(operation, query)) {
        return new Match(operation, labels);
      }
    }
    return null;
  }

  private static boolean hasLiterals(Operation operation, Map<String, List<String>> query) {
    for (var literal : operation.queryLiterals().entrySet()) {
      List<String> values = query.get(literal.getKey());
      if (values == null
          || (!literal.getValue().isEmpty() && !values.contains(literal.getValue()))) {
        return false;
      }
    }
    return true;
  }

  private static @Nullable Map<String, String> match(List<String> template, List<String> path) {
    Map<String, String> labels = new LinkedHashMap<>();
    int at = 0;
    for (int i = 0; i < template.size(); i++) {
      String segment = template.get(i);
      if (segment.endsWith("+}")) {
        int after = template.size() - i - 1;
        int end = path.size() - after;
        if (end <= at) {
          return null;
        }
        labels.put(
            segment.substring(1, segment.length() - 2),
            decode(String.join("/", path.subList(at, end)), false));
        at = end;
      } else if (at >= path.size()) {
        return null;
      } else if (segment.startsWith("{")) {
        labels.put(segment.substring(1, segment.length() - 1), decode(path.get(at++), false));
      } else if (!segment.equals(path.get(at++))) {
        return null;
      }
    }
    return at == path.size() ? labels : null;
  }

  private static int vagueness(Operation operation) {
    int vagueness = operation.queryLiterals().isEmpty() ? 1 : 0;
    for (String segment : operation.segments()) {
      vagueness += segment.endsWith("+}") ? 1000 : segment.startsWith("{") ? 2 : 0;
    }
    return vagueness;
  }

  /** Path segments without the empty ones a leading or trailing slash makes. */
  static List<String> segments(String path) {
    List<String> segments = new ArrayList<>();
    for (String segment : path.split("/")) {
      if (!segment.isEmpty()) {
        segments.add(segment);
      }
    }
    return List.copyOf(segments);
  }

  /** All query parameters, decoded. */
  static Map<String, List<String>> query(String rawQuery) {
    Map<String, List<String>> query = new LinkedHashMap<>();
    for (String pair : rawQuery.split("&")) {
      if (!pair.isEmpty()) {
        int equals = pair.indexOf('=');
        String name = decode(equals < 0 ? pair : pair.substring(0, equals), true);
        String value = equals < 0 ? "" : decode(pair.substring(equals + 1), true);
        query.computeIfAbsent(name, k -> new ArrayList<>()).add(value);
      }
    }
    return query;
  }

  /** Percent-decoding; a broken escape stays as it is. */
  static String decode(String text, boolean plusIsSpace) {
    if (text.indexOf('%') < 0 && text.indexOf('+') < 0) {
      return text;
    }
    byte[] in = text.getBytes(StandardCharsets.UTF_8);
    byte[] out = new byte[in.length];
    int length = 0;
    for (int i = 0; i < in.length; i++) {
      int high = in[i] == '%' && i + 2 < in.length ? Character.digit(in[i + 1], 16) : -1;
      int low = high >= 0 ? Character.digit(in[i + 2], 16) : -1;
      if (low >= 0) {
        out[length++] = (byte) (high << 4 | low);
        i += 2;
      } else {
        out[length++] = plusIsSpace && in[i] == '+' ? (byte) ' ' : in[i];
      }
    }
    return new String(out, 0, length, StandardCharsets.UTF_8);
  }
}
