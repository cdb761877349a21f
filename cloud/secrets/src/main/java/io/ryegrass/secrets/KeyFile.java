package io.ryegrass.secrets;

import io.ryegrass.durable.DurableFiles;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;

/**
 * The file of the master keys: a line {@code <id> <32 bytes in Base64>} for each, the one in use
 * first. There is more than one only while data keys are moved to a new one.
 */
record KeyFile(Path path) {

  /** A master key; its text form does not show it. */
  record MasterKey(String id, byte[] bytes) {
    @Override
    public String toString() {
      return "MasterKey[" + id + "]";
    }
  }

  /** The keys, or empty when there is no such file. */
  Optional<List<MasterKey>> read() {
    return DurableFiles.read(path).map(bytes -> parse(new String(bytes, StandardCharsets.UTF_8)));
  }

  private List<MasterKey> parse(String text) {
    List<MasterKey> keys = new ArrayList<>();
    for (String line : text.lines().toList()) {
      if (line.isBlank() || line.startsWith("#")) {
        continue;
      }
      String[] parts = line.strip().split(" +");
      byte[] key = parts.length == 2 ? decoded(parts[1]) : new byte[0];
      if (key.length != Gcm.KEY_BYTES) {
        throw new SecretsException(
            "The key file "
                + path
                + " is damaged: each line must be an id and 32 bytes in Base64;"
                + " restore it from a backup");
      }
      keys.add(new MasterKey(parts[0], key));
    }
    if (keys.isEmpty()) {
      throw new SecretsException(
          "The key file " + path + " holds no key; restore it from a backup");
    }
    return List.copyOf(keys);
  }

  private static byte[] decoded(String text) {
    try {
      return Base64.getDecoder().decode(text);
    } catch (IllegalArgumentException e) {
      return new byte[0]; // reported by the caller, which knows the file
    }
  }

  /** Replaces the file; only its owner may read it. */
  void write(List<MasterKey> keys) {
    StringBuilder text =
        new StringBuilder(
            "# Master key of the secrets in cloud.db, made by Ryegrass. Without it no secret can be"
                + " read:\n# keep a copy, and not beside a copy of the database.\n");
    for (MasterKey key : keys) {
      text.append(key.id())
          .append(' ')
          .append(Base64.getEncoder().encodeToString(key.bytes()))
          .append('\n');
    }
    DurableFiles.writeAtomically(
        path, text.toString().getBytes(StandardCharsets.UTF_8), DurableFiles.OWNER_ONLY);
  }
}
