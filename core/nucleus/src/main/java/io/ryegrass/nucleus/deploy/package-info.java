/**
 * Deployments: one at a time, as a table of states that is persisted at each transition, with a
 * deadline on every state.
 *
 * <p>It decides what the next generation is and when it becomes current; the component set makes it
 * so. It asks the cloud through the ports only, and it is told of deployments by whoever receives
 * them (jobs, shadow, local requests).
 *
 * <p>When the process dies before the pointer is switched, the deployment starts over and nothing
 * has changed; after the switch it goes on watching the new generation, and after the third such
 * restart, or when the generation turns out broken, it goes back to the last good generation, which
 * is still on disk as a whole. A final status that was not delivered is delivered after the
 * restart.
 */
@NullMarked
package io.ryegrass.nucleus.deploy;

import org.jspecify.annotations.NullMarked;
