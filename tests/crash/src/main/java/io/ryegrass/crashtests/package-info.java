/**
 * The crash test of the MQTT engine: a broker is killed with SIGKILL at random moments under load,
 * restarted on the same data folder, and what its clients saw is checked against a model.
 *
 * <p>{@link io.ryegrass.crashtests.CrashMain} is the command ({@code ./ryegrass crash mqtt}). A
 * {@link io.ryegrass.crashtests.World} is one broker with one data folder and one population of
 * clients over some rounds; each round ends with a kill, every few rounds there is a drain: nobody
 * publishes, everybody connects and receives until all is quiet, and the {@link
 * io.ryegrass.crashtests.Checker} reads the {@link io.ryegrass.crashtests.History}.
 *
 * <p>The clients ({@link io.ryegrass.crashtests.RecordingClient}) are written for this test on
 * plain sockets, because their state has to outlive every connection and every broker, and each
 * step has to be recorded at the right moment: what is sent <em>before</em> the bytes leave, what
 * is received <em>after</em> they arrived. So an entry with a smaller number truly happened before.
 *
 * <p>The checker knows nothing of sockets and processes; its own tests feed it broken histories,
 * one of each kind. The module links against nothing of Ryegrass: the broker is a command line, and
 * mosquitto can stand in for it to see what the test says of another broker.
 *
 * <p>Not covered: what a power failure does to bytes that were written and not synced; a killed
 * process leaves those in the page cache.
 */
@NullMarked
package io.ryegrass.crashtests;

import org.jspecify.annotations.NullMarked;
