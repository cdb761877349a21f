@NullMarked
package io.ryegrass.nucleus.lifecycle;

import org.jspecify.annotations.NullMarked;
