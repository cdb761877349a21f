@NullMarked
package io.ryegrass.bench.report;

import org.jspecify.annotations.NullMarked;
