package io.ryegrass.mqtt;

/**
 * Where the list of one session lies in the current checkpoint, and what it amounts to.
 *
 * @param messages how many messages it has, in flight and waiting
 * @param bytes their weight
 */
record StoredList(long position, int length, int crc, int messages, long bytes) {
  static final StoredList NONE = new StoredList(0, 0, 0, 0, 0);
}
