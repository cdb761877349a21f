@NullMarked
package io.ryegrass.nucleus.store;

import org.jspecify.annotations.NullMarked;
