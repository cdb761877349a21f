package io.ryegrass.crashtests;

/** The protocol that a client speaks, with its level byte. */
enum Version {
  V3_1_1(4),
  V5(5);

  final int level;

  Version(int level) {
    this.level = level;
  }
}
