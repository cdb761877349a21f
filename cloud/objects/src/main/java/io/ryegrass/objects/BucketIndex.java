package io.ryegrass.objects;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The keys of one bucket in order, in memory; read from the objects' files when the bucket is first
 * used. The files are the truth: the index only spares a walk for each listing.
 */
final class BucketIndex {
  private static final Logger LOG = LoggerFactory.getLogger(BucketIndex.class);

  /** S3 lists by UTF-8 bytes, which differs from Java's order beyond U+FFFF. */
  private static final Comparator<String> UTF8_ORDER =
      (a, b) ->
          Arrays.compareUnsigned(
              a.getBytes(StandardCharsets.UTF_8), b.getBytes(StandardCharsets.UTF_8));

  private final ConcurrentNavigableMap<String, ObjectInfo> objects =
      new ConcurrentSkipListMap<>(UTF8_ORDER);

  private BucketIndex() {}

  static BucketIndex load(Path bucket) {
    BucketIndex index = new BucketIndex();
    try (Stream<Path> files = Files.walk(bucket)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
          index.put(ObjectFile.read(channel));
        } catch (IOException e) {
          LOG.error(
              "object file {} is unreadable and left out of listings: {}; restore it or delete it",
              file,
              e.getMessage());
        }
      }
    } catch (IOException e) {
      throw S3Exception.io("reading bucket '" + bucket.getFileName() + "'", e);
    }
    return index;
  }

  boolean isEmpty() {
    return objects.isEmpty();
  }

  @Nullable ObjectInfo get(String key) {
    return objects.get(key);
  }

  void put(ObjectInfo info) {
    objects.put(info.key(), info);
  }

  void remove(String key) {
    objects.remove(key);
  }

  ObjectStore.Page list(String prefix, String delimiter, String after, int maxKeys) {
    List<ObjectInfo> found = new ArrayList<>();
    List<String> prefixes = new ArrayList<>();
    String last = "";
    boolean fromPrefix = after.isEmpty() || UTF8_ORDER.compare(after, prefix) < 0;
    String folded = "";
    for (ObjectInfo info : objects.tailMap(fromPrefix ? prefix : after, fromPrefix).values()) {
      String key = info.key();
      if (!key.startsWith(prefix)) {
        break;
      }
      int cut = delimiter.isEmpty() ? -1 : key.indexOf(delimiter, prefix.length());
      String common = cut < 0 ? "" : key.substring(0, cut + delimiter.length());
      if (!common.isEmpty() && (common.equals(folded) || common.equals(after))) {
        continue;
      }
      if (found.size() + prefixes.size() == maxKeys) {
        return new ObjectStore.Page(found, prefixes, last, maxKeys > 0);
      }
      if (common.isEmpty()) {
        found.add(info);
        last = key;
      } else {
        prefixes.add(common);
        folded = common;
        last = common;
      }
    }
    return new ObjectStore.Page(found, prefixes, last, false);
  }
}
