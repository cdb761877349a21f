/**
 * {@code ./ryegrass bench nucleus}: a core as a user starts it, in a process of its own, measured
 * from outside: how long a start and a deployment take, how fast its IPC socket is, what it holds
 * in memory.
 *
 * <p>{@link io.ryegrass.bench.nucleus.NucleusBenchMain} runs the cases. Loads come through AWS's
 * own IPC client for Java, as components would bring them, and through {@link
 * io.ryegrass.bench.nucleus.RawClient}, which does next to nothing itself and so shows where AWS's
 * client is the limit. Every figure has a name, a unit and, where there is one, a {@link
 * io.ryegrass.bench.report.Goal}; what it is measured against stands in docs/bench-nucleus.md.
 */
@NullMarked
package io.ryegrass.bench.nucleus;

import org.jspecify.annotations.NullMarked;
