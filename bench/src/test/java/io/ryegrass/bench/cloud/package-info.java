@NullMarked
package io.ryegrass.bench.cloud;

import org.jspecify.annotations.NullMarked;
