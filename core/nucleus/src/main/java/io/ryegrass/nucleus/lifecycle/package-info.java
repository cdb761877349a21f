/**
 * The life cycle of components: one table of (phase, event, next, action), one actor per component
 * that is the only one to change its phase, and the bodies that run inside: processes of generic
 * components and built-ins.
 *
 * <p>It does not decide what should run; the deployment engine hands it a generation ({@code
 * ComponentSet.reconcile}). It writes no state besides logs and the list of started processes.
 *
 * <p>When the nucleus process dies, components' processes may live on. Each one started is recorded
 * below {@code run/} with process id, start time and a mark in its environment, and joins its
 * component's control group where the host has some, so that the next start finds and ends all of
 * them before it starts anything.
 */
@NullMarked
package io.ryegrass.nucleus.lifecycle;

import org.jspecify.annotations.NullMarked;
