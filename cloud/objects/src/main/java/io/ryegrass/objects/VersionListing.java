package io.ryegrass.objects;

import io.ryegrass.objects.ObjectTables.Version;
import io.ryegrass.store.CloudStore;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A page of all versions of the objects of a bucket, by key, newest first.
 *
 * @param lastKey the last key or common prefix on the page
 * @param lastVersion the last version on the page; empty behind a common prefix
 */
record VersionListing(
    List<Version> versions,
    List<String> commonPrefixes,
    String lastKey,
    String lastVersion,
    boolean truncated) {

  /**
   * As {@link Listing.Wanted}.
   *
   * @param afterVersion only versions of the key {@code after} behind this one, too; empty for none
   *     of that key
   */
  record Wanted(
      String bucket,
      String prefix,
      String delimiter,
      String after,
      String afterVersion,
      int maxKeys) {}

  static VersionListing of(CloudStore index, Wanted wanted) {
    List<Version> found = new ArrayList<>();
    List<String> prefixes = new ArrayList<>();
    String lastKey = "";
    String lastVersion = "";
    @Nullable String end = KeyOrder.behind(wanted.prefix());
    boolean fromPrefix = KeyOrder.compare(wanted.after(), wanted.prefix()) < 0;
    @Nullable String from = fromPrefix ? wanted.prefix() : wanted.after();
    long behind = fromPrefix ? Long.MIN_VALUE : placeOf(index, wanted);
    String folded = KeyOrder.commonPrefix(from, wanted.prefix(), wanted.delimiter());
    if (!fromPrefix && !folded.isEmpty() && folded.equals(from)) {
      from = KeyOrder.behind(folded);
      behind = Long.MIN_VALUE;
    }
    while (from != null && wanted.maxKeys() > 0) {
      String at = from;
      long place = behind;
      int limit = wanted.maxKeys() + 1 - found.size() - prefixes.size();
      List<Version> rows =
          index.read(sql -> ObjectTables.versions(sql, wanted.bucket(), at, place, end, limit));
      from = null;
      for (Version row : rows) {
        if (found.size() + prefixes.size() == wanted.maxKeys()) {
          return new VersionListing(found, prefixes, lastKey, lastVersion, true);
        }
        String key = row.info().key();
        String common = KeyOrder.commonPrefix(key, wanted.prefix(), wanted.delimiter());
        if (!common.isEmpty()) {
          prefixes.add(common);
          lastKey = common;
          lastVersion = "";
          from = KeyOrder.behind(common);
          behind = Long.MIN_VALUE;
          break;
        }
        found.add(row);
        lastKey = key;
        lastVersion = row.info().versionId();
      }
    }
    return new VersionListing(found, prefixes, lastKey, lastVersion, false);
  }

  private static long placeOf(CloudStore index, Wanted wanted) {
    if (wanted.afterVersion().isEmpty()) {
      return Long.MAX_VALUE;
    }
    return index
        .read(
            sql ->
                ObjectTables.version(sql, wanted.bucket(), wanted.after(), wanted.afterVersion()))
        .map(Version::place)
        .orElse(Long.MAX_VALUE);
  }
}
