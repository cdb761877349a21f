/**
 * A component as a user would write it, with AWS's own SDK and nothing of Ryegrass: it says a
 * message on local publish/subscribe, hears it there, and passes it on to the cloud.
 *
 * <p>It keeps no state. When the connection to the nucleus is lost, it ends with code 1 and the
 * nucleus starts it again.
 */
@NullMarked
package io.ryegrass.examples.hello;

import org.jspecify.annotations.NullMarked;
