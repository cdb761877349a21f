/**
 * {@code ryegrass fleet}: what the cloud knows of its cores that AWS's API does not tell at a
 * glance (connections, last seen, faults, how each deployment stands), telemetry, and where events
 * went.
 *
 * <p>It calls the cloud's own operations (service {@code ryegrass}), signed with the key in the
 * cloud's data folder, and changes nothing.
 */
@NullMarked
package io.ryegrass.cli.fleet;

import org.jspecify.annotations.NullMarked;
