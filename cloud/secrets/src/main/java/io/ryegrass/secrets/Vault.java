package io.ryegrass.secrets;

import io.ryegrass.secrets.KeyFile.MasterKey;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Seals values in envelopes: a data key of 32 random bytes for each, wrapped by a master key of the
 * {@link KeyFile}. Everything is bound to its owner, so that rows cannot be exchanged.
 *
 * <p>For each master key the database has a proof, a fixed text sealed by it: so a file of another
 * database, or a damaged one, is found at the start and not by the first reader.
 *
 * <p>Values must be sealed inside the transaction that stores them: the writer's lock then orders
 * them before or after {@link #changeMasterKey}, and none is left under a key that is given up.
 */
final class Vault {
  private static final Logger LOG = LoggerFactory.getLogger(Vault.class);
  private static final byte[] PROOF = "ryegrass secrets".getBytes(StandardCharsets.UTF_8);
  private static final int BATCH = 500;

  /**
   * An envelope.
   *
   * @param keyId the master key that wraps the data key
   * @param dataKey wrapped
   * @param value sealed by the data key
   */
  record Sealed(String keyId, String dataKey, String value) {}

  private final CloudStore store;
  private final KeyFile file;
  private final SecureRandom random;

  /** The one in use first. */
  private volatile List<MasterKey> keys;

  private Vault(CloudStore store, KeyFile file, List<MasterKey> keys, SecureRandom random) {
    this.store = store;
    this.file = file;
    this.keys = keys;
    this.random = random;
  }

  /**
   * Opens the vault, making the key file when the database has seen none yet.
   *
   * @throws SecretsException when the file is missing, damaged or belongs to another database
   */
  static Vault open(CloudStore store, KeyFile file, SecureRandom random) {
    Map<String, String> proofs = store.read(Vault::proofs);
    Optional<List<MasterKey>> read = file.read();
    if (read.isEmpty() && !proofs.isEmpty()) {
      throw new SecretsException(
          "The key file "
              + file.path()
              + " is missing, but the database holds secrets that only its master key "
              + String.join(", ", proofs.keySet())
              + " opens; restore it from a backup");
    }
    List<MasterKey> keys = read.orElseGet(() -> List.of(newKey(random)));
    if (read.isEmpty()) {
      file.write(keys);
    }
    proofs.forEach((id, proof) -> check(file, keys, id, proof));
    Vault vault = new Vault(store, file, keys, random);
    if (!proofs.containsKey(keys.getFirst().id())) {
      store.write(sql -> vault.prove(sql, keys.getFirst()));
    }
    if (keys.size() > 1) {
      vault.finishChange();
    }
    return vault;
  }

  private static Map<String, String> proofs(Sql sql) {
    return sql
        .list(
            "SELECT key_id, proof FROM secret_keys ORDER BY key_id LIMIT 100",
            row -> Map.entry(row.text("key_id"), row.text("proof")))
        .stream()
        .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
  }

  private static void check(KeyFile file, List<MasterKey> keys, String id, String proof) {
    for (MasterKey key : keys) {
      if (key.id().equals(id) && opens(key, proof)) {
        return;
      }
    }
    throw new SecretsException(
        "The key file "
            + file.path()
            + " is not the one of this database: it lacks the master key "
            + id
            + "; restore the file that belongs to it from a backup");
  }

  private static boolean opens(MasterKey key, String proof) {
    try {
      return Arrays.equals(Gcm.open(key.bytes(), proof, key.id()), PROOF);
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      LOG.debug("the master key {} does not open its proof", key.id(), e);
      return false;
    }
  }

  private static MasterKey newKey(SecureRandom random) {
    byte[] id = new byte[8];
    byte[] key = new byte[Gcm.KEY_BYTES];
    random.nextBytes(id);
    random.nextBytes(key);
    return new MasterKey(HexFormat.of().formatHex(id), key);
  }

  private int prove(Sql sql, MasterKey key) {
    return sql.update(
        "INSERT INTO secret_keys (key_id, proof) VALUES (?, ?)",
        key.id(),
        Gcm.seal(key.bytes(), PROOF, key.id(), random));
  }

  /** To be called inside the transaction that stores the envelope. */
  Sealed seal(byte[] plain, String owner) {
    MasterKey master = keys.getFirst();
    byte[] dataKey = new byte[Gcm.KEY_BYTES];
    random.nextBytes(dataKey);
    return new Sealed(
        master.id(),
        Gcm.seal(master.bytes(), dataKey, wrapping(master, owner), random),
        Gcm.seal(dataKey, plain, owner, random));
  }

  /**
   * @throws GeneralSecurityException when the envelope was changed or belongs to another owner
   */
  byte[] open(Sealed sealed, String owner) throws GeneralSecurityException {
    return Gcm.open(dataKey(sealed, owner), sealed.value(), owner);
  }

  private byte[] dataKey(Sealed sealed, String owner) throws GeneralSecurityException {
    for (MasterKey key : keys) {
      if (key.id().equals(sealed.keyId())) {
        return Gcm.open(key.bytes(), sealed.dataKey(), wrapping(key, owner));
      }
    }
    throw new GeneralSecurityException(
        "its master key " + sealed.keyId() + " is not in " + file.path());
  }

  private static String wrapping(MasterKey master, String owner) {
    return master.id() + "\n" + owner;
  }

  /** Makes a new master key, wraps all data keys by it, and gives the old one up. */
  void changeMasterKey() {
    List<MasterKey> both = new ArrayList<>(List.of(newKey(random)));
    both.addAll(keys);
    file.write(both);
    store.write(
        sql -> {
          keys = List.copyOf(both);
          return prove(sql, both.getFirst());
        });
    finishChange();
  }

  private void finishChange() {
    MasterKey now = keys.getFirst();
    long moved = 0;
    for (int last = BATCH; last == BATCH; ) {
      last = store.write(sql -> moveSome(sql, now));
      moved += last;
    }
    store.write(sql -> sql.update("DELETE FROM secret_keys WHERE key_id <> ?", now.id()));
    file.write(List.of(now));
    keys = List.of(now);
    LOG.info("secrets have the master key {}; {} data keys were wrapped anew", now.id(), moved);
  }

  private int moveSome(Sql sql, MasterKey now) {
    List<SecretTables.Version> some =
        sql.list(
            "SELECT * FROM secret_versions WHERE key_id <> ? ORDER BY arn, version_id LIMIT "
                + BATCH,
            SecretTables::version,
            now.id());
    for (SecretTables.Version version : some) {
      try {
        byte[] dataKey = dataKey(version.sealed(), version.owner());
        sql.update(
            "UPDATE secret_versions SET key_id = ?, data_key = ? WHERE arn = ? AND version_id = ?",
            now.id(),
            Gcm.seal(now.bytes(), dataKey, wrapping(now, version.owner()), random),
            version.arn(),
            version.id());
      } catch (GeneralSecurityException e) {
        throw new SecretsException(
            "The master key was not changed: version "
                + version.id()
                + " of "
                + version.arn()
                + " cannot be decrypted ("
                + e.getMessage()
                + "); restore the database or the key file from a backup",
            e);
      }
    }
    return some.size();
  }
}
