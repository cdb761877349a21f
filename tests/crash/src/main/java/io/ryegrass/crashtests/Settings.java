package io.ryegrass.crashtests;

import java.util.List;

/**
 * @param seed of the whole run; a world's own seed follows from it and the world's number
 * @param drainEvery rounds between two drains
 * @param messagesPerRound bound of what is published in a round
 * @param orderly end the broker with SIGTERM instead of SIGKILL
 */
record Settings(
    long seed,
    int drainEvery,
    int messagesPerRound,
    int maxQos,
    List<Version> versions,
    boolean orderly) {}
