package io.ryegrass.eventstream;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** One frame without its lengths and checksums. The payload is not copied; do not change it. */
public record EventStreamMessage(List<Header> headers, byte[] payload) {
  public EventStreamMessage {
    headers = List.copyOf(headers);
  }

  /**
   * The first header of this name; names compare without regard to case, as the reference C library
   * does.
   */
  public Optional<HeaderValue> header(String name) {
    for (Header header : headers) {
      if (header.name().equalsIgnoreCase(name)) {
        return Optional.of(header.value());
      }
    }
    return Optional.empty();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof EventStreamMessage m
        && headers.equals(m.headers)
        && Arrays.equals(payload, m.payload);
  }

  @Override
  public int hashCode() {
    return 31 * headers.hashCode() + Arrays.hashCode(payload);
  }
}
