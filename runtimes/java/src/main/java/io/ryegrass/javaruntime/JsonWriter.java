package io.ryegrass.javaruntime;

import java.lang.reflect.Array;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Date;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Writes any value as JSON: what {@link Json} reads, arrays, iterables, enums by name, bytes as
 * base64, dates as milliseconds, other classes of the JDK by their text (java.time: ISO 8601, UUID,
 * URI …), and everything else by its getters and public fields.
 */
final class JsonWriter {
  private static final String HEX = "0123456789abcdef";
  private final StringBuilder out = new StringBuilder(256);

  /** A value has no form in JSON; the message says why. */
  static final class NotWritable extends RuntimeException {
    private static final long serialVersionUID = 1;

    NotWritable(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  static byte[] bytes(@Nullable Object value) {
    JsonWriter writer = new JsonWriter();
    writer.write(value, 0);
    return writer.out.toString().getBytes(StandardCharsets.UTF_8);
  }

  private void write(@Nullable Object value, int depth) {
    if (depth > Json.DEEPEST) {
      throw new NotWritable(
          "it is nested deeper than " + Json.DEEPEST + " (does it refer to itself?)", null);
    }
    if (value == null) {
      out.append("null");
    } else if (value instanceof CharSequence || value instanceof Character) {
      string(value.toString());
    } else if (value instanceof Boolean) {
      out.append(value);
    } else if (value instanceof Number && value.getClass().getName().startsWith("java.")) {
      boolean finite =
          !(value instanceof Double || value instanceof Float)
              || !(Double.isNaN(((Number) value).doubleValue())
                  || Double.isInfinite(((Number) value).doubleValue()));
      if (finite) {
        out.append(value);
      } else {
        string(value.toString());
      }
    } else if (value instanceof Map) {
      map((Map<?, ?>) value, depth);
    } else if (value instanceof Iterable && !(value instanceof java.nio.file.Path)) {
      out.append('[');
      boolean more = false;
      for (Object element : (Iterable<?>) value) {
        more = comma(more);
        write(element, depth + 1);
      }
      out.append(']');
    } else if (value instanceof byte[]) {
      string(Base64.getEncoder().encodeToString((byte[]) value));
    } else if (value.getClass().isArray()) {
      out.append('[');
      for (int i = 0; i < Array.getLength(value); i++) {
        comma(i > 0);
        write(Array.get(value, i), depth + 1);
      }
      out.append(']');
    } else if (value instanceof Enum) {
      string(((Enum<?>) value).name());
    } else if (value instanceof Date) {
      out.append(((Date) value).getTime());
    } else if (value instanceof Optional) {
      write(((Optional<?>) value).orElse(null), depth);
    } else if (Beans.isOfTheJdk(value.getClass())) {
      string(value.toString());
    } else {
      bean(value, depth);
    }
  }

  private boolean comma(boolean more) {
    if (more) {
      out.append(',');
    }
    return true;
  }

  private void map(Map<?, ?> map, int depth) {
    out.append('{');
    boolean more = false;
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      more = comma(more);
      string(String.valueOf(entry.getKey()));
      out.append(':');
      write(entry.getValue(), depth + 1);
    }
    out.append('}');
  }

  private void bean(Object value, int depth) {
    out.append('{');
    boolean more = false;
    for (Beans.Property property : Beans.of(value.getClass()).readable()) {
      more = comma(more);
      string(property.name());
      out.append(':');
      Object member;
      try {
        member = property.read(value);
      } catch (ReflectiveOperationException e) {
        Throwable why = e.getCause() == null ? e : e.getCause();
        throw new NotWritable(
            property.name() + " of " + value.getClass().getName() + " cannot be read: " + why, why);
      }
      write(member, depth + 1);
    }
    out.append('}');
  }

  private void string(String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        out.append('\\').append(c);
      } else if (c == '\n') {
        out.append("\\n");
      } else if (c == '\r') {
        out.append("\\r");
      } else if (c == '\t') {
        out.append("\\t");
      } else if (c < ' ' || Character.isSurrogate(c)) {
        // Half of a pair alone has no form in UTF-8; escaped, both halves are kept in any case.
        out.append("\\u")
            .append(HEX.charAt(c >> 12))
            .append(HEX.charAt((c >> 8) & 15))
            .append(HEX.charAt((c >> 4) & 15))
            .append(HEX.charAt(c & 15));
      } else {
        out.append(c);
      }
    }
    out.append('"');
  }
}
