@NullMarked
package io.ryegrass.bench.lambda;

import org.jspecify.annotations.NullMarked;
