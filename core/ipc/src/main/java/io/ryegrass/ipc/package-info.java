/**
 * The operations of the Greengrass IPC service ({@code aws.greengrass#GreengrassCoreIPC}) over the
 * nucleus.
 *
 * <p>What is here: local publish/subscribe, the MQTT proxy to the cloud, configuration, life cycle,
 * component updates and their deferral, validation of configurations, the token check of stream
 * manager, and what the command line asks about components. Each group of operations is one class;
 * {@link io.ryegrass.ipc.IpcServer} puts them on the socket of the core's root folder. Frames,
 * handshake and streams are {@code protocol/event-stream}.
 *
 * <p>What is not here: secrets, shadows, client devices, metrics, local deployments. Their
 * operations are answered with the modelled error that names the component which would serve them.
 *
 * <p>Who calls: components through the official SDKs, workers of Lambda functions, the command
 * line. A caller is the component that its token belongs to; the request never says who it is.
 * Policies are the {@code accessControl} of the caller's own configuration and are read at every
 * call, so a deployment that changes them needs no restart.
 *
 * <p>Order and bounds: publications of one connection are carried out in the order sent; a
 * subscriber gets messages in bus order. Events wait in bounded queues; an event that finds its
 * queue full is dropped and counted, and the log says so once in a while.
 *
 * <p>When the process dies: subscriptions end; a publication to the cloud that was answered is in
 * the spool; a configuration change that was answered is on disk; local messages under way are
 * lost.
 */
@NullMarked
package io.ryegrass.ipc;

import org.jspecify.annotations.NullMarked;
