package io.ryegrass.objects;

import org.jspecify.annotations.Nullable;

/** The order of keys: by UTF-8 bytes, which is that of code points. */
final class KeyOrder {
  private KeyOrder() {}

  /** The first text behind all that start with a prefix; null when there is none. */
  static @Nullable String behind(String prefix) {
    int[] points = prefix.codePoints().toArray();
    for (int last = points.length - 1; last >= 0; last--) {
      if (points[last] < Character.MAX_CODE_POINT) {
        int next = points[last] + 1;
        boolean surrogate = next >= Character.MIN_SURROGATE && next <= Character.MAX_SURROGATE;
        points[last] = surrogate ? Character.MAX_SURROGATE + 1 : next;
        return new String(points, 0, last + 1);
      }
    }
    return null;
  }

  /** Compares as S3 lists. */
  static int compare(String a, String b) {
    return java.util.Arrays.compareUnsigned(
        a.getBytes(java.nio.charset.StandardCharsets.UTF_8),
        b.getBytes(java.nio.charset.StandardCharsets.UTF_8));
  }

  /** What a key is folded into; empty when it is listed itself. */
  static String commonPrefix(String key, String prefix, String delimiter) {
    int cut = delimiter.isEmpty() ? -1 : key.indexOf(delimiter, prefix.length());
    return cut < 0 ? "" : key.substring(0, cut + delimiter.length());
  }
}
