package io.ryegrass.secretmanager;

import io.ryegrass.durable.DurableFiles;
import io.ryegrass.model.Json;
import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.function.Supplier;
import javax.crypto.SecretKey;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The file of all secrets, and what it says in memory. Each write seals everything anew under a new
 * data key (SEC-02). Writers take turns in {@link SecretManager}; readers see one state or the
 * next.
 */
final class SecretStore {
  private static final Logger LOG = LoggerFactory.getLogger(SecretManager.NAME);
  private static final int FORMAT = 1;

  /** One state: what is held, and the key under which its values are. */
  private record Contents(List<Held> all, @Nullable SecretKey dataKey) {}

  /** A value in the clear, for as long as somebody works with it. */
  record Value(String asked, String arn, String name, Held.Version version, byte[] plain) {}

  private final Path file;
  private final Supplier<PrivateKey> privateKey;
  private final Sealing sealing = new Sealing();
  private volatile Contents contents = new Contents(List.of(), null);
  private boolean read;

  SecretStore(Path root, Supplier<PrivateKey> privateKey) {
    this.file = root.resolve("secrets").resolve("secrets.json");
    this.privateKey = privateKey;
  }

  boolean exists() {
    return Files.exists(file);
  }

  /** Reads the file, once. What cannot be opened is not held, and said. */
  void open() {
    if (read) {
      return;
    }
    byte[] text = DurableFiles.read(file).orElse(null);
    if (text != null) {
      try {
        contents = parse(Json.read(text));
      } catch (GeneralSecurityException e) {
        LOG.warn(
            "{} was sealed with another private key than this core has now, or was changed; the"
                + " secrets are fetched anew. Put the earlier key back if the cloud is away.",
            file);
      } catch (JacksonException | IllegalArgumentException e) {
        LOG.error("{} is damaged; the secrets are fetched anew", file);
      }
    }
    read = true;
  }

  List<Held> all() {
    return contents.all();
  }

  /**
   * The value of a version that is in {@link #all}.
   *
   * @throws NucleusException SERVICE_ERROR when it does not open
   */
  byte[] value(Held secret, Held.Version version) {
    SecretKey key = contents.dataKey();
    try {
      if (key != null) {
        return Sealing.open(key, version.sealed(), bound(secret, version));
      }
    } catch (GeneralSecurityException e) {
      Held now =
          all().stream().filter(h -> h.asked().equals(secret.asked())).findFirst().orElse(secret);
      Held.Version again = now.version(version.id()).orElse(version);
      if (again != version) {
        return value(now, again); // written anew between the look and the opening
      }
    }
    throw new NucleusException(
        "SERVICE_ERROR",
        "Secret " + secret.arn() + " cannot be opened on this core; deploy again to fetch it.");
  }

  /** Replaces everything. */
  void write(List<Held> secrets, List<Value> fetched) {
    SecretKey old = contents.dataKey();
    byte[] raw = sealing.random(Sealing.KEY_BYTES);
    SecretKey fresh = Sealing.key(raw);
    List<Held> all = new ArrayList<>();
    for (Held h : secrets) {
      List<Held.Version> versions = new ArrayList<>();
      for (Held.Version v : h.versions()) {
        byte[] plain = plain(h, v, fetched, old);
        if (plain == null) {
          LOG.warn("Version {} of {} cannot be opened any more and is dropped", v.id(), h.arn());
          continue;
        }
        versions.add(
            new Held.Version(
                v.id(),
                v.stages(),
                v.created(),
                v.binary(),
                sealing.seal(fresh, plain, bound(h, v))));
        Arrays.fill(plain, (byte) 0);
      }
      if (!versions.isEmpty()) {
        all.add(new Held(h.asked(), h.arn(), h.name(), List.copyOf(versions)));
      }
    }
    byte[] salt = sealing.random(Sealing.SALT_BYTES);
    ObjectNode tree = Json.object().put("format", FORMAT);
    tree.putObject("key")
        .put("derivation", "HKDF-SHA256")
        .put("salt", base64(salt))
        .put("sealed", base64(sealing.seal(Sealing.derived(privateKey.get(), salt), raw, salt)));
    Arrays.fill(raw, (byte) 0);
    ArrayNode list = tree.putArray("secrets");
    all.forEach(h -> write(list.addObject(), h));
    folder();
    DurableFiles.writeAtomically(file, Json.bytes(tree), DurableFiles.OWNER_ONLY);
    contents = new Contents(List.copyOf(all), fresh);
  }

  /** Forgets all, on disk as well. */
  void delete() {
    DurableFiles.delete(file);
    contents = new Contents(List.of(), null);
  }

  private static byte @Nullable [] plain(
      Held secret, Held.Version version, List<Value> fetched, @Nullable SecretKey key) {
    for (Value f : fetched) {
      if (f.asked().equals(secret.asked()) && f.version().id().equals(version.id())) {
        return f.plain().clone();
      }
    }
    try {
      return key == null ? null : Sealing.open(key, version.sealed(), bound(secret, version));
    } catch (GeneralSecurityException e) {
      return null;
    }
  }

  /** All that a value belongs to: nothing of it can be exchanged in the file. */
  private static byte[] bound(Held secret, Held.Version version) {
    ArrayNode all = Json.array();
    all.add(secret.arn()).add(secret.name()).add(secret.asked()).add(version.id());
    all.add(version.binary()).add(version.created());
    version.stages().forEach(all::add);
    return Json.text(all).getBytes(StandardCharsets.UTF_8);
  }

  private void folder() {
    Path folder = file.getParent();
    if (folder == null || Files.isDirectory(folder)) {
      return;
    }
    DurableFiles.createDirectories(folder);
    try {
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
    } catch (IOException | UnsupportedOperationException e) {
      LOG.warn("Cannot set the permissions of {}: {}", folder, e.getMessage());
    }
  }

  private Contents parse(JsonNode tree) throws GeneralSecurityException {
    if (tree.path("format").asInt(0) != FORMAT) {
      throw new IllegalArgumentException("format " + tree.path("format"));
    }
    byte[] salt = bytes(tree.path("key").path("salt"));
    SecretKey key =
        Sealing.key(
            Sealing.open(
                Sealing.derived(privateKey.get(), salt),
                bytes(tree.path("key").path("sealed")),
                salt));
    List<Held> all = new ArrayList<>();
    for (JsonNode s : tree.path("secrets")) {
      List<Held.Version> versions = new ArrayList<>();
      for (JsonNode v : s.path("versions")) {
        List<String> stages = new ArrayList<>();
        v.path("stages").forEach(l -> stages.add(l.asString("")));
        versions.add(
            new Held.Version(
                v.path("id").asString(""),
                List.copyOf(stages),
                v.path("created").asLong(0),
                v.path("binary").asBoolean(false),
                bytes(v.path("sealed"))));
      }
      all.add(
          new Held(
              s.path("asked").asString(""),
              s.path("arn").asString(""),
              s.path("name").asString(""),
              List.copyOf(versions)));
    }
    return new Contents(List.copyOf(all), key);
  }

  private static void write(ObjectNode to, Held h) {
    to.put("arn", h.arn()).put("name", h.name()).put("asked", h.asked());
    ArrayNode versions = to.putArray("versions");
    for (Held.Version v : h.versions()) {
      ObjectNode one =
          versions
              .addObject()
              .put("id", v.id())
              .put("created", v.created())
              .put("binary", v.binary())
              .put("sealed", base64(v.sealed()));
      ArrayNode stages = one.putArray("stages");
      v.stages().forEach(stages::add);
    }
  }

  private static byte[] bytes(JsonNode node) {
    return Base64.getDecoder().decode(node.asString(""));
  }

  private static String base64(byte[] bytes) {
    return Base64.getEncoder().encodeToString(bytes);
  }
}
