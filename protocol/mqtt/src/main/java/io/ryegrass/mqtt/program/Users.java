package io.ryegrass.mqtt.program;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Names and hashed passwords.
 *
 * <p>A hash costs tens of milliseconds by intent, so only half of the processors work on them at
 * once, and a password that was right is remembered, as a keyed digest that is worth nothing
 * outside this process: devices that come back do not cost it again.
 */
final class Users {
  private static final int KEY_BYTES = 32;
  private static final int WAIT_SECONDS = 5;

  /** Could not be judged in time. */
  static final class BusyException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    BusyException() {
      super("too many passwords are being checked; try again");
    }
  }

  private final Map<String, PasswordHash> hashes;
  private final PasswordHash nobody;
  private final SecretKeySpec key;
  private final Map<String, byte[]> seen = new ConcurrentHashMap<>();
  private final Semaphore places =
      new Semaphore(Math.max(1, Runtime.getRuntime().availableProcessors() / 2), true);

  private Users(Map<String, PasswordHash> hashes, SecureRandom random) {
    this.hashes = Map.copyOf(hashes);
    byte[] secret = new byte[KEY_BYTES];
    random.nextBytes(secret);
    this.key = new SecretKeySpec(secret, "HmacSHA256");
    this.nobody = new PasswordHash(PasswordHash.ITERATIONS, new byte[16], new byte[KEY_BYTES]);
  }

  /**
   * @throws UsageException naming file, line and remedy
   */
  static Users read(Path file, SecureRandom random) {
    List<String> lines;
    try {
      lines = Files.readAllLines(file, StandardCharsets.UTF_8);
    } catch (NoSuchFileException e) {
      throw new UsageException("The users file " + file + " does not exist; correct --users.");
    } catch (IOException e) {
      throw new UsageException(
          "The users file " + file + " cannot be read (" + e.getMessage() + "); check its rights.");
    }
    Map<String, PasswordHash> hashes = new HashMap<>();
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).strip();
      if (line.isEmpty() || line.startsWith("#")) {
        continue;
      }
      int colon = line.lastIndexOf(':');
      try {
        if (colon < 1) {
          throw new IllegalArgumentException("no name before a colon");
        }
        PasswordHash hash = PasswordHash.parse(line.substring(colon + 1).strip());
        if (hashes.put(line.substring(0, colon), hash) != null) {
          throw new IllegalArgumentException("a name for the second time");
        }
      } catch (IllegalArgumentException e) {
        throw new UsageException(
            "Line %d of the users file %s is not name:hash (%s); make the hash with 'ryegrass mqtt --hash-password'."
                .formatted(i + 1, file, e.getMessage()));
      }
    }
    if (hashes.isEmpty()) {
      throw new UsageException(
          "The users file "
              + file
              + " names nobody; add lines name:hash, the hash made with 'ryegrass mqtt"
              + " --hash-password'.");
    }
    return new Users(hashes, random);
  }

  int size() {
    return hashes.size();
  }

  /**
   * @throws BusyException when too many others are being judged
   */
  boolean admits(String name, byte[] password) {
    byte[] digest = digest(name, password);
    byte[] known = seen.get(name);
    if (known != null && MessageDigest.isEqual(known, digest)) {
      return true;
    }
    boolean entered = false;
    try {
      entered = places.tryAcquire(WAIT_SECONDS, TimeUnit.SECONDS);
      if (!entered) {
        throw new BusyException();
      }
      PasswordHash hash = hashes.get(name);
      if (hash == null) {
        nobody.matches(password); // as long as for a name that there is
        return false;
      }
      boolean right = hash.matches(password);
      if (right) {
        seen.put(name, digest);
      }
      return right;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BusyException();
    } finally {
      if (entered) {
        places.release();
      }
    }
  }

  private byte[] digest(String name, byte[] password) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(key);
      mac.update(name.getBytes(StandardCharsets.UTF_8));
      mac.update((byte) 0);
      return mac.doFinal(password);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("This Java has no HmacSHA256", e);
    }
  }
}
