/**
 * The crash test of the core: a real core process is killed with SIGKILL while it deploys, is
 * configured and starts, is started again on its folder, and what can be seen of it from outside is
 * held against a model.
 *
 * <p>{@link io.ryegrass.crashtests.core.CoreCrash} is the command ({@code ./ryegrass crash core}).
 * A {@link io.ryegrass.crashtests.core.CoreWorld} is one root folder over some rounds; each round
 * asks for a deployment ({@link io.ryegrass.crashtests.core.Plan}) or changes configuration as a
 * component would, and kills the core at a moment that {@link io.ryegrass.crashtests.core.CoreKill}
 * finds by watching the core's folder: nothing inside the product knows of it. After the restart
 * the deployment has to end, and the {@link io.ryegrass.crashtests.core.CoreChecker} says whether
 * what is there is what may be there.
 *
 * <p>The core is asked with AWS's own client for Java; the module links against nothing of
 * Ryegrass. A seed repeats the same deployments and kill plans; the moment of a kill within a
 * millisecond is the machine's.
 *
 * <p>Not covered: what a power failure does to bytes that were written and not synced (the nucleus'
 * own tests do that on a recorded disk), and the way to the cloud (the acceptance tests do).
 */
@NullMarked
package io.ryegrass.crashtests.core;

import org.jspecify.annotations.NullMarked;
