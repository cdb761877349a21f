package io.ryegrass.objects;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One byte range of a Range header (RFC 9110 §14.1.2).
 *
 * @param from first byte
 * @param length at least one
 */
record ByteRange(long from, long length) {
  private static final Pattern FORM = Pattern.compile("bytes=(\\d{0,18})-(\\d{0,18})");

  /**
   * The range, or null when the header is absent, asks for several ranges or is not understood;
   * then the whole object is sent, as the RFC allows.
   *
   * @throws S3Exception {@code InvalidRange} 416 when it starts behind the end
   */
  static @Nullable ByteRange parse(String header, long size) {
    Matcher m = FORM.matcher(header.replace(" ", ""));
    if (!m.matches() || m.group(1).isEmpty() && m.group(2).isEmpty()) {
      return null;
    }
    long from;
    long to;
    if (m.group(1).isEmpty()) {
      from = Math.max(0, size - Long.parseLong(m.group(2)));
      to = size - 1;
    } else {
      from = Long.parseLong(m.group(1));
      to = m.group(2).isEmpty() ? size - 1 : Long.parseLong(m.group(2));
      if (to < from && !m.group(2).isEmpty()) {
        return null;
      }
    }
    if (from >= size) {
      throw new S3Exception("InvalidRange", 416, "The requested range is not satisfiable")
          .with("RangeRequested", header)
          .with("ActualObjectSize", Long.toString(size))
          .withHeader("content-range", "bytes */" + size);
    }
    return new ByteRange(from, Math.min(to, size - 1) - from + 1);
  }
}
