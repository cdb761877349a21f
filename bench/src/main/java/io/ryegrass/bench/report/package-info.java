/**
 * What the whole-program benchmarks have in common: lines of figures with their goals, what the
 * kernel says of a process, waiting for something to be so, arguments, cases, and the programs that
 * they start.
 */
@NullMarked
package io.ryegrass.bench.report;

import org.jspecify.annotations.NullMarked;
