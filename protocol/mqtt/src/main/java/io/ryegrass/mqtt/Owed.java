package io.ryegrass.mqtt;

/** That a stored message is owed to the session of this incarnation, and in which form. */
record Owed(long incarnation, int qos, boolean retain, int[] identifiers) {}
