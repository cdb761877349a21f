package io.ryegrass.ipc;

import java.util.Collections;
import java.util.Map;
import java.util.WeakHashMap;

/**
 * Which payloads on the bus were published as JSON messages.
 *
 * <p>The bus carries bytes, but the IPC contract says that who publishes a {@code jsonMessage} is
 * heard as a {@code jsonMessage}, and a {@code binaryMessage} that happens to hold JSON stays
 * binary. The bus hands the same array to every target, so the array itself is the key (arrays
 * compare by identity); an entry lives as long as its message.
 */
final class JsonPayloads {
  private final Map<byte[], Boolean> marked = Collections.synchronizedMap(new WeakHashMap<>());

  void mark(byte[] payload) {
    marked.put(payload, Boolean.TRUE);
  }

  boolean isJson(byte[] payload) {
    return marked.containsKey(payload);
  }
}
