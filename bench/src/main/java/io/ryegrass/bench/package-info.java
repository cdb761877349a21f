/**
 * Whole-program benchmarks. Each prints {@code name value unit} lines on standard output and what
 * it does on standard error; {@code ./ryegrass bench start} runs the one that is here, {@code
 * ./ryegrass bench nucleus}, {@code ./ryegrass bench cloud} and {@code ./ryegrass bench mqtt} those
 * in the packages below.
 *
 * <p>The programs measured are the ones that a user starts, through the launcher, with their AOT
 * caches; nothing is measured inside a process.
 */
@NullMarked
package io.ryegrass.bench;

import org.jspecify.annotations.NullMarked;
