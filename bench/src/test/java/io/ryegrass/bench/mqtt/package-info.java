/** The load generator against the reflector, and the arithmetic of its figures. */
@NullMarked
package io.ryegrass.bench.mqtt;

import org.jspecify.annotations.NullMarked;
