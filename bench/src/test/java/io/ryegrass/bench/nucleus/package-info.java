@NullMarked
package io.ryegrass.bench.nucleus;

import org.jspecify.annotations.NullMarked;
