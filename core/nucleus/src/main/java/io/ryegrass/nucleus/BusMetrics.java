package io.ryegrass.nucleus;

/** Counters since start. */
public record BusMetrics(
    long published, long delivered, long droppedFull, long unrouted, long failed) {}
