/**
 * The disk of crash tests: {@link io.ryegrass.durable.crash.CrashDisk} keeps what was done to a
 * folder and lays out what a power cut after each step may leave of it.
 *
 * <p>No program uses it. It stands here and not among the tests so that each module can run its own
 * write paths through it.
 */
@NullMarked
package io.ryegrass.durable.crash;

import org.jspecify.annotations.NullMarked;
