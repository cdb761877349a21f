/**
 * What the whole-program benchmarks have in common: lines of figures with their goals, what the
 * kernel says of a process, and waiting for something to be so. Nothing here starts or measures
 * anything by itself.
 */
@NullMarked
package io.ryegrass.bench.report;

import org.jspecify.annotations.NullMarked;
