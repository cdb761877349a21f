package io.ryegrass.eventstream;

import java.time.Instant;
import java.util.Arrays;
import java.util.UUID;

/**
 * The ten value types of an event-stream header (v2-ipc.md §2); {@link #type()} is the byte on the
 * wire.
 */
public sealed interface HeaderValue {
  /** The type byte. Booleans use 0 for true and 1 for false. */
  int type();

  record Bool(boolean value) implements HeaderValue {
    @Override
    public int type() {
      return value ? 0 : 1;
    }
  }

  record Int8(byte value) implements HeaderValue {
    @Override
    public int type() {
      return 2;
    }
  }

  record Int16(short value) implements HeaderValue {
    @Override
    public int type() {
      return 3;
    }
  }

  record Int32(int value) implements HeaderValue {
    @Override
    public int type() {
      return 4;
    }
  }

  record Int64(long value) implements HeaderValue {
    @Override
    public int type() {
      return 5;
    }
  }

  /** At most 32 767 bytes. The array is not copied; do not change it. */
  record Bytes(byte[] value) implements HeaderValue {
    @Override
    public int type() {
      return 6;
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Bytes b && Arrays.equals(value, b.value);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(value);
    }
  }

  /** At most 32 767 bytes in UTF-8. */
  record Text(String value) implements HeaderValue {
    @Override
    public int type() {
      return 7;
    }
  }

  /** Milliseconds since the epoch on the wire. */
  record Timestamp(Instant value) implements HeaderValue {
    @Override
    public int type() {
      return 8;
    }
  }

  record Uuid(UUID value) implements HeaderValue {
    @Override
    public int type() {
      return 9;
    }
  }
}
