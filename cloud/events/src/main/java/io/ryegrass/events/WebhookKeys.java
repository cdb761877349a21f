package io.ryegrass.events;

import io.ryegrass.durable.DurableFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The keys of webhooks, one line {@code URL KEY} each, in a file for its owner only. A URL that has
 * none gets a random one; the operator may write in another and start again. Lines of URLs that are
 * not configured any more stay.
 */
public final class WebhookKeys {
  private static final int KEY_BYTES = 32;

  private WebhookKeys() {}

  /** The webhooks of some URLs, with their keys out of the file, which is made when needed. */
  public static List<Webhook> of(Path file, List<URI> urls) {
    Map<String, String> keys = new LinkedHashMap<>();
    if (Files.exists(file)) {
      try {
        for (String line : Files.readAllLines(file)) {
          String[] parts = line.strip().split("\\s+", 2);
          if (parts.length == 2) {
            keys.put(parts[0], parts[1]);
          }
        }
      } catch (IOException e) {
        throw new UncheckedIOException("the keys of webhooks in " + file + " cannot be read", e);
      }
    }
    List<Webhook> webhooks = new ArrayList<>();
    boolean added = false;
    for (URI url : urls) {
      String key = keys.get(url.toString());
      if (key == null) {
        byte[] random = new byte[KEY_BYTES];
        new SecureRandom().nextBytes(random);
        key = HexFormat.of().formatHex(random);
        keys.put(url.toString(), key);
        added = true;
      }
      webhooks.add(new Webhook(url, key));
    }
    if (added) {
      StringBuilder text = new StringBuilder();
      keys.forEach((url, key) -> text.append(url).append(' ').append(key).append('\n'));
      DurableFiles.writeAtomically(
          file,
          text.toString().getBytes(StandardCharsets.UTF_8),
          Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE));
    }
    return List.copyOf(webhooks);
  }
}
