@NullMarked
package io.ryegrass.nucleus.deploy;

import org.jspecify.annotations.NullMarked;
