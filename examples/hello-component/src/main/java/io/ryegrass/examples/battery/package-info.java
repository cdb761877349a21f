/**
 * A component that puts updates off while the device's battery is low, after the guide's tutorial
 * "Defer component updates", with AWS's own SDK and nothing of Ryegrass.
 *
 * <p>It keeps no state. When the connection to the nucleus is lost, it ends with code 1 and the
 * nucleus starts it again.
 */
@NullMarked
package io.ryegrass.examples.battery;

import org.jspecify.annotations.NullMarked;
