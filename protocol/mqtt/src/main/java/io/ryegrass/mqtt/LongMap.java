package io.ryegrass.mqtt;

/** From positive numbers to numbers, without an object per entry. */
final class LongMap {
  private long[] keys = new long[64];
  private long[] values = new long[64];
  private int size;

  /** The value, or 0. */
  long get(long key) {
    int slot = slot(keys, key);
    return keys[slot] == key ? values[slot] : 0;
  }

  void put(long key, long value) {
    if (key <= 0) {
      throw new IllegalArgumentException("Not a positive number: " + key);
    }
    int slot = slot(keys, key);
    if (keys[slot] == key) {
      values[slot] = value;
      return;
    }
    keys[slot] = key;
    values[slot] = value;
    if (++size * 2 > keys.length) {
      grow();
    }
  }

  int size() {
    return size;
  }

  private void grow() {
    long[] moreKeys = new long[keys.length * 2];
    long[] moreValues = new long[keys.length * 2];
    for (int i = 0; i < keys.length; i++) {
      if (keys[i] != 0) {
        int slot = slot(moreKeys, keys[i]);
        moreKeys[slot] = keys[i];
        moreValues[slot] = values[i];
      }
    }
    keys = moreKeys;
    values = moreValues;
  }

  private static int slot(long[] table, long key) {
    int slot = (int) ((key * 0x9E37_79B9_7F4A_7C15L) >>> 40) & (table.length - 1);
    while (table[slot] != 0 && table[slot] != key) {
      slot = slot + 1 & table.length - 1;
    }
    return slot;
  }
}
