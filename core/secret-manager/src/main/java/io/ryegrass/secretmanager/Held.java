package io.ryegrass.secretmanager;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A secret that this core holds.
 *
 * @param asked the ARN by which the configuration names it: the full one, or without the suffix
 *     that Secrets Manager gave it
 * @param arn full ARN
 * @param name friendly name
 */
record Held(String asked, String arn, String name, List<Version> versions) {
  static final String CURRENT = "AWSCURRENT";

  /** Characters of the suffix of an ARN, with its hyphen. */
  private static final int SUFFIX = 7;

  /**
   * One version.
   *
   * @param stages its labels, as the cloud told them
   * @param created milliseconds since 1970
   * @param binary whether the value is bytes rather than text
   * @param sealed the value, as {@link Sealing} made it
   */
  record Version(String id, List<String> stages, long created, boolean binary, byte[] sealed) {}

  /** Whether somebody means this secret: by ARN, ARN without suffix, or name. */
  boolean named(String id) {
    return id.equals(arn)
        || id.equals(name)
        || id.equals(asked)
        || (arn.length() == id.length() + SUFFIX
            && arn.startsWith(id)
            && arn.charAt(id.length()) == '-');
  }

  Optional<Version> version(String id) {
    return versions.stream().filter(v -> v.id().equals(id)).findFirst();
  }

  Optional<Version> labelled(String stage) {
    return versions.stream().filter(v -> v.stages().contains(stage)).findFirst();
  }

  /** With a version as it is now: its labels leave the others, those without labels leave. */
  Held with(Version now) {
    List<Version> all = new ArrayList<>();
    for (Version v : versions) {
      List<String> stages = new ArrayList<>(v.stages());
      stages.removeAll(now.stages());
      if (!v.id().equals(now.id()) && !stages.isEmpty()) {
        all.add(new Version(v.id(), stages, v.created(), v.binary(), v.sealed()));
      }
    }
    all.add(now);
    return new Held(asked, arn, name, List.copyOf(all));
  }
}
