package io.ryegrass.devicegateway;

import io.ryegrass.registry.DeviceRoute;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Finds the device route of a path. Templates are matched segment by segment on the raw path, so
 * that an encoded slash stays inside its segment; {@code {x+}} takes one or more segments.
 */
final class RouteTable {

  /** A route and the decoded parameters of its path. */
  record Match(DeviceRoute route, Map<String, String> parameters) {}

  private record Entry(DeviceRoute route, List<String> template) {}

  private final List<Entry> entries;

  RouteTable(List<DeviceRoute> routes) {
    this.entries = routes.stream().map(r -> new Entry(r, segments(r.pathTemplate()))).toList();
  }

  Optional<Match> find(String method, String rawPath) {
    List<String> path = segments(rawPath);
    for (Entry entry : entries) {
      if (entry.route().method().equals(method)) {
        Map<String, String> parameters = match(entry.template(), path);
        if (parameters != null) {
          return Optional.of(new Match(entry.route(), parameters));
        }
      }
    }
    return Optional.empty();
  }

  private static @Nullable Map<String, String> match(List<String> template, List<String> path) {
    Map<String, String> parameters = new LinkedHashMap<>();
    int at = 0;
    for (int i = 0; i < template.size(); i++) {
      String segment = template.get(i);
      if (segment.endsWith("+}")) {
        int end = path.size() - (template.size() - i - 1);
        if (end <= at) {
          return null;
        }
        parameters.put(
            segment.substring(1, segment.length() - 2),
            decode(String.join("/", path.subList(at, end))));
        at = end;
      } else if (at >= path.size()) {
        return null;
      } else if (segment.startsWith("{")) {
        parameters.put(segment.substring(1, segment.length() - 1), decode(path.get(at++)));
      } else if (!segment.equals(path.get(at++))) {
        return null;
      }
    }
    return at == path.size() ? parameters : null;
  }

  private static List<String> segments(String path) {
    List<String> segments = new ArrayList<>();
    for (String segment : path.split("/")) {
      if (!segment.isEmpty()) {
        segments.add(segment);
      }
    }
    return segments;
  }

  /** All query parameters, decoded. */
  static Map<String, List<String>> query(String rawQuery) {
    Map<String, List<String>> query = new LinkedHashMap<>();
    for (String pair : rawQuery.split("&")) {
      if (!pair.isEmpty()) {
        int equals = pair.indexOf('=');
        String name = decode(equals < 0 ? pair : pair.substring(0, equals));
        String value = equals < 0 ? "" : decode(pair.substring(equals + 1));
        query.computeIfAbsent(name, k -> new ArrayList<>()).add(value);
      }
    }
    return query;
  }

  /** Percent-decoding of a path or query part; a plus sign stays one. Broken escapes stay. */
  static String decode(String text) {
    if (text.indexOf('%') < 0) {
      return text;
    }
    try {
      return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      return text; // a broken escape matches nothing that exists
    }
  }
}
