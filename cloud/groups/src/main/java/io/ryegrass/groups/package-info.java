/**
 * Greengrass V1 in the cloud: groups and their definitions, deployments, the group's certificate
 * authority, discovery.
 *
 * <p>There is no second engine. A group version is <em>compiled</em> ({@link
 * io.ryegrass.groups.GroupCompiler}) into components of V2: functions become Lambda components, the
 * subscription table becomes configuration of the subscription router, devices and loggers become
 * configuration of built-in components. The result is deployed as any V2 deployment, for a hidden
 * thing group of its own, so that what the core has from V2 deployments stays as it is.
 *
 * <p>What is here: one store of versioned definitions for all seven kinds and for groups
 * themselves, the V1 operations on it (service {@code greengrass} of the API engine), deployments
 * as rows that a single builder thread works off, bulk deployments likewise, and two routes for
 * devices: discovery, and the certificate for a core's local broker; software updates as IoT jobs,
 * and an event for each state of a deployment. What is not here: V2's API, the functions' code.
 *
 * <p>Guarantees when the process dies: every answered call is on disk. A deployment in state
 * Building is taken up again at the next start, and building twice does no harm; one in state
 * InProgress waits for its core as before. A bulk deployment goes on with the line where it was; no
 * line is deployed twice. Aliases of functions are resolved when a deployment is built, never
 * later. The private key of a group's authority never leaves its folder.
 */
@NullMarked
package io.ryegrass.groups;

import org.jspecify.annotations.NullMarked;
