package io.ryegrass.cloudlink;

import java.net.URI;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Presigned URLs by which a size was just asked for: the download that follows does not ask for
 * another one. Each is used once, and for a minute only, which is far below what any of them is
 * valid for.
 */
final class FreshUrls {
  private static final long LIFE_NANOS = Duration.ofMinutes(1).toNanos();
  private static final int MOST = 512;

  private record Key(String arn, String artifact) {}

  private record Fresh(URI url, long asked) {}

  private final Map<Key, Fresh> urls = new LinkedHashMap<>();

  synchronized void keep(String arn, String artifact, URI url) {
    urls.put(new Key(arn, artifact), new Fresh(url, System.nanoTime()));
    if (urls.size() > MOST) {
      Iterator<Key> oldest = urls.keySet().iterator();
      oldest.next();
      oldest.remove();
    }
  }

  /** The URL, if there is one, which is forgotten with that. */
  synchronized @Nullable URI take(String arn, String artifact) {
    Fresh found = urls.remove(new Key(arn, artifact));
    return found == null || System.nanoTime() - found.asked() > LIFE_NANOS ? null : found.url();
  }
}
