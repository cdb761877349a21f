/**
 * Events of the registry and of jobs for whoever subscribes to {@code $aws/events/…}.
 *
 * <p>{@link io.ryegrass.registry.event.EventSwitchboard} knows which kinds of events are switched
 * on ({@code UpdateEventConfigurations}; all are off at first, as with IoT Core) and sends the rest
 * nowhere. The registry writes its own events; jobs bring theirs and ask the same switchboard.
 *
 * <p>An event is sent after the commit of the transaction that it tells of, with QoS 0: of a
 * transaction that is undone nothing is told. When the process dies between commit and sending, the
 * event is lost, and never sent twice; the registry itself is the truth.
 */
@NullMarked
package io.ryegrass.registry.event;

import org.jspecify.annotations.NullMarked;
