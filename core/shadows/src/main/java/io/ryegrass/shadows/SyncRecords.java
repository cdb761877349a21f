package io.ryegrass.shadows;

import io.ryegrass.model.Json;
import java.nio.file.Path;
import tools.jackson.databind.node.ObjectNode;

/** What is known of each synchronized shadow, on disk. */
final class SyncRecords {
  /**
   * @param known false before the first synchronization
   * @param base the last state of the cloud that this core has taken in; what differs from it here
   *     the cloud has not heard yet
   * @param cloudPresent whether the cloud had the shadow then
   * @param cloudVersion the cloud's version then
   * @param localVersion the version here that says the same; {@link #PENDING} while there is none
   */
  record SyncRecord(
      boolean known, ObjectNode base, boolean cloudPresent, long cloudVersion, long localVersion) {
    static final long PENDING = -1;
  }

  private final ShadowFiles files;

  SyncRecords(Path folder) {
    this.files = new ShadowFiles(folder);
  }

  SyncRecord find(ShadowKey key) {
    return files
        .read(key)
        .map(
            f ->
                new SyncRecord(
                    true,
                    f.get("base") instanceof ObjectNode base ? base : Json.object(),
                    f.path("cloudPresent").asBoolean(false),
                    f.path("cloudVersion").asLong(0),
                    f.path("localVersion").asLong(SyncRecord.PENDING)))
        .orElseGet(() -> new SyncRecord(false, Json.object(), false, 0, SyncRecord.PENDING));
  }

  void save(ShadowKey key, CloudShadows.Seen cloud, long localVersion) {
    ObjectNode file = Json.object().put("cloudPresent", cloud.present());
    file.put("cloudVersion", cloud.version()).put("localVersion", localVersion);
    file.set("base", cloud.state());
    files.write(key, file);
  }
}
