package io.ryegrass.groups;

import io.ryegrass.groups.VersionedStore.Item;
import io.ryegrass.groups.VersionedStore.Version;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import tools.jackson.databind.node.ObjectNode;

/** Rows as the API shows them. */
record Shapes(GroupArns arns) {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  static String time(Instant instant) {
    return TIME.format(instant);
  }

  static ObjectNode empty() {
    return VersionedStore.JSON.createObjectNode();
  }

  ObjectNode info(Item item) {
    ObjectNode info =
        empty()
            .put("Arn", arns.of(item.kind(), item.id()))
            .put("CreationTimestamp", time(item.created()))
            .put("Id", item.id())
            .put("LastUpdatedTimestamp", time(item.updated()));
    String latest = item.latestVersion();
    if (latest != null) {
      info.put("LatestVersion", latest)
          .put("LatestVersionArn", arns.version(item.kind(), item.id(), latest));
    }
    String name = item.name();
    if (name != null) {
      info.put("Name", name);
    }
    return info;
  }

  ObjectNode infoWithTags(Item item, String member) {
    ObjectNode info = info(item);
    if (!item.tags().isEmpty()) {
      info.set(member, item.tags());
    }
    return info;
  }

  ObjectNode version(Version version) {
    return empty()
        .put("Arn", arns.version(version.kind(), version.id(), version.version()))
        .put("CreationTimestamp", time(version.created()))
        .put("Id", version.id())
        .put("Version", version.version());
  }

  ObjectNode versionWithContent(Version version) {
    ObjectNode full = version(version);
    full.set("Definition", version.content());
    return full;
  }
}
