/**
 * The link to the cloud: everything that leaves a core for the cloud and comes back from it, behind
 * the ports of the nucleus.
 *
 * <p>Three ways out. The <em>control connection</em> (MQTT, client id = thing name) carries
 * deployments by job and shadow, their statuses and the fleet status; nothing a user publishes can
 * cut it (LESSON-07). The <em>user connections</em> ({@code <thing>#2}, {@code #3} …) carry what
 * components, functions and devices publish and subscribe to. <em>HTTPS</em> with the core's
 * certificate fetches recipes, artifacts and credentials, through a proxy of any kind when there is
 * one.
 *
 * <p>What it does not do: it decides nothing about deployments or components (the nucleus does),
 * routes nothing locally (the bus does), and never makes anybody wait for a connection: a publish
 * returns when the spool has it on disk, a subscription is remembered, a call over HTTPS ends in a
 * bounded time with {@link io.ryegrass.nucleus.CloudUnavailableException}.
 *
 * <p>Who calls: the core program opens a {@link io.ryegrass.cloudlink.CloudLink}, gives its ports
 * to the nucleus and starts it last.
 *
 * <p>Each connection is supervised for as long as the process lives, with a jittered back-off
 * (LESSON-06, LESSON-08).
 *
 * <p>When the process dies at any moment: QoS 1 messages whose publish returned are on disk and are
 * sent, in order, by the next process; those that were sent but whose acknowledgement was not noted
 * are sent again. The other way, a QoS 1 message is acknowledged to the cloud when its subscriber
 * has it; one that waits for a subscriber of the earlier run is not, so the cloud sends it to the
 * next process. Deployment statuses are stored the same way. QoS 0 messages in flight and fleet
 * statuses are lost; the next process sends a complete fleet status when it starts.
 */
@NullMarked
package io.ryegrass.cloudlink;

import org.jspecify.annotations.NullMarked;
