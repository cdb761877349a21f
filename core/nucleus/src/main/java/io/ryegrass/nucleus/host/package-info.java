/**
 * What the nucleus knows of the host it runs on: its users and groups. It only reads the host's own
 * files, changes nothing, and keeps no state, so that nothing here can be lost with the process.
 * The component store (owners of artifacts), the life cycle (users of processes) and the planner
 * (early refusal of an unknown user) call it.
 */
@NullMarked
package io.ryegrass.nucleus.host;

import org.jspecify.annotations.NullMarked;
