/**
 * What the nucleus knows of the host it runs on and asks of its kernel: users and groups, which are
 * only read, and the control groups of components. The component store (owners of artifacts), the
 * life cycle (users, limits, freezing and the end of processes) and the planner (early refusal of
 * an unknown user) call it.
 *
 * <p>It keeps no state of its own: control groups are the kernel's and outlive this process. When
 * it dies at any moment, the next start ends what is left in the groups below this core's parent
 * group, frozen or not, and removes them.
 */
@NullMarked
package io.ryegrass.nucleus.host;

import org.jspecify.annotations.NullMarked;
