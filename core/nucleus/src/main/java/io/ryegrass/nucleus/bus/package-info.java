@NullMarked
package io.ryegrass.nucleus.bus;

import org.jspecify.annotations.NullMarked;
