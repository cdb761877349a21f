package io.ryegrass.nucleus.lifecycle;

import io.ryegrass.nucleus.Components;
import java.security.SecureRandom;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * IPC tokens (SVCUID, v2-ipc.md section 9): 16 of 32 symbols from a secure random source, only in
 * memory, new at each start of the nucleus.
 */
final class Tokens {
  private static final String SYMBOLS = "ABCDEFGHJKLMNPQRSTUVWXYZ01234567";

  private final SecureRandom random = new SecureRandom();
  private final Map<String, String> principals = new ConcurrentHashMap<>();
  private final Map<String, String> ofComponent = new ConcurrentHashMap<>();

  /** The component's token, made at the first call. */
  String of(String component) {
    return ofComponent.computeIfAbsent(component, this::make);
  }

  /**
   * The component leaves: its token counts until the answer is run (its Shutdown may still talk to
   * the nucleus), and a component of that name that comes later gets another one.
   */
  Runnable retire(String component) {
    String token = ofComponent.remove(component);
    return () -> {
      if (token != null) {
        principals.remove(token);
      }
    };
  }

  Components.Token issue(String principal) {
    String token = make(principal);
    return new Components.Token() {
      @Override
      public String text() {
        return token;
      }

      @Override
      public void close() {
        principals.remove(token);
      }
    };
  }

  Optional<String> principal(String token) {
    return Optional.ofNullable(principals.get(token));
  }

  private String make(String principal) {
    StringBuilder text = new StringBuilder(16);
    do {
      text.setLength(0);
      for (int i = 0; i < 16; i++) {
        text.append(SYMBOLS.charAt(random.nextInt(SYMBOLS.length())));
      }
    } while (principals.putIfAbsent(text.toString(), principal) != null);
    return text.toString();
  }
}
