package io.ryegrass.objects;

import io.ryegrass.objects.ObjectTables.Version;
import io.ryegrass.store.CloudStore;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A page of the current objects of a bucket, in S3's order.
 *
 * @param last the last key or common prefix on the page
 */
record Listing(
    List<ObjectInfo> objects, List<String> commonPrefixes, String last, boolean truncated) {

  /**
   * What is wanted.
   *
   * @param prefix only keys that start so
   * @param delimiter keys that hold it behind the prefix are folded into common prefixes; empty for
   *     none
   * @param after only keys (or common prefixes) behind this one; empty from the start
   * @param maxKeys at most so many objects and common prefixes together
   */
  record Wanted(String bucket, String prefix, String delimiter, String after, int maxKeys) {}

  static Listing of(CloudStore index, Wanted wanted) {
    List<ObjectInfo> found = new ArrayList<>();
    List<String> prefixes = new ArrayList<>();
    String last = "";
    @Nullable String end = KeyOrder.behind(wanted.prefix());
    boolean including = KeyOrder.compare(wanted.after(), wanted.prefix()) < 0;
    @Nullable String from = including ? wanted.prefix() : wanted.after();
    String folded = KeyOrder.commonPrefix(from, wanted.prefix(), wanted.delimiter());
    if (!including && !folded.isEmpty() && folded.equals(from)) {
      from = KeyOrder.behind(folded);
      including = true;
    }
    while (from != null && wanted.maxKeys() > 0) {
      String at = from;
      boolean with = including;
      int limit = wanted.maxKeys() + 1 - found.size() - prefixes.size();
      List<Version> rows =
          index.read(sql -> ObjectTables.current(sql, wanted.bucket(), at, with, end, limit));
      from = null;
      for (Version row : rows) {
        if (found.size() + prefixes.size() == wanted.maxKeys()) {
          return new Listing(found, prefixes, last, true);
        }
        String key = row.info().key();
        String common = KeyOrder.commonPrefix(key, wanted.prefix(), wanted.delimiter());
        if (!common.isEmpty()) {
          prefixes.add(common);
          last = common;
          from = KeyOrder.behind(common);
          including = true;
          break;
        }
        found.add(row.info());
        last = key;
      }
      if (from == null) {
        break;
      }
    }
    return new Listing(found, prefixes, last, false);
  }
}
