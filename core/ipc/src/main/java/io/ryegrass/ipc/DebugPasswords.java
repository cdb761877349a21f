package io.ryegrass.ipc;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Base64;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Passwords of user {@code debug} for the local debug console (v2-ipc.md §7.5, CLI-25): random,
 * good for eight hours, and kept as digests in memory only. The newest hundred count.
 */
public final class DebugPasswords {
  /** The only user. */
  public static final String USER = "debug";

  private static final Duration VALID = Duration.ofHours(8);
  private static final int KEPT = 100;

  private final Clock clock;
  private final SecureRandom random = new SecureRandom();
  private final ReentrantLock lock = new ReentrantLock();
  private final ArrayDeque<Known> known = new ArrayDeque<>();

  private record Known(byte[] digest, Instant expires) {}

  /** A new password; it is not kept in clear. */
  public record Password(String text, Instant expires) {}

  DebugPasswords(Clock clock) {
    this.clock = clock;
  }

  Password create() {
    byte[] bytes = new byte[32];
    random.nextBytes(bytes);
    String text = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    Instant expires = clock.instant().plus(VALID);
    lock.lock();
    try {
      if (known.size() == KEPT) {
        known.removeFirst();
      }
      known.addLast(new Known(digest(text), expires));
    } finally {
      lock.unlock();
    }
    return new Password(text, expires);
  }

  /** Whether someone who says so may enter the console now. */
  public boolean accepts(String user, String password) {
    byte[] digest = digest(password);
    Instant now = clock.instant();
    boolean found = false;
    lock.lock();
    try {
      for (Known each : known) {
        // no early end, so that the time tells nothing
        found |= MessageDigest.isEqual(each.digest(), digest) && now.isBefore(each.expires());
      }
    } finally {
      lock.unlock();
    }
    return found && user.equals(USER);
  }

  private static byte[] digest(String password) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(password.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
