/**
 * The operations of the Greengrass IPC service ({@code aws.greengrass#GreengrassCoreIPC}) over the
 * nucleus.
 *
 * <p>What is here: every operation of the model. Local publish/subscribe, the MQTT proxy to the
 * cloud, configuration, life cycle, component updates and their deferral, validation of
 * configurations, local deployments, the token check of stream manager, metrics, debug passwords.
 * Each group of operations is one class; {@link io.ryegrass.ipc.IpcServer} puts them on the socket
 * of the core's root folder. Frames, handshake and streams are {@code protocol/event-stream}.
 *
 * <p>What is only passed on: secrets, shadows and client devices belong to components, which offer
 * themselves through {@link io.ryegrass.ipc.IpcPorts} while they run. Otherwise their operations
 * are answered with the modelled error that names the component which would serve them.
 *
 * <p>Who calls: components through the official SDKs, workers of Lambda functions, the command
 * line. A caller is the component that its token belongs to; the request never says who it is.
 * Policies are the {@code accessControl} of the caller's own configuration and are read at every
 * call, so a deployment that changes them needs no restart.
 *
 * <p>Order and bounds: publications of one connection are carried out in the order sent; a
 * subscriber gets messages in bus order. Events wait in bounded queues; an event that finds its
 * queue full is dropped and counted, and the log says so once in a while. A burst is slowed down
 * before it is lost, a subscriber that stays behind is not waited for ({@code Pace}).
 *
 * <p>Who may use the command line: whoever may read one of the token files in {@code
 * <root>/cli_ipc_info} ({@code CliTokens}).
 *
 * <p>When the process dies: subscriptions end; a publication to the cloud that was answered is in
 * the spool; a configuration change that was answered is on disk; local messages under way are
 * lost.
 */
@NullMarked
package io.ryegrass.ipc;

import org.jspecify.annotations.NullMarked;
