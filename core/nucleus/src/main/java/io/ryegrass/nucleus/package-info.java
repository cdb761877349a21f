/**
 * The nucleus: what makes a device a core. It reads who the device is, keeps the component store
 * and the generations, runs the components' life cycles, carries out deployments, and holds the
 * message bus on which everything else meets.
 *
 * <p>What it does not do: it never opens a connection. Everything that leaves for the cloud goes
 * through {@link io.ryegrass.nucleus.CloudPorts}, which the cloud link implements; without a cloud
 * the nucleus runs what is on disk. It also knows nothing about sockets of components (the IPC
 * module) or Lambda workers (a {@link io.ryegrass.nucleus.ComponentBodyFactory}).
 *
 * <p>Who calls it: the core program assembles it with the built-in components; the IPC server, the
 * Lambda module, the local broker and the cloud link use {@link io.ryegrass.nucleus.Bus}, {@link
 * io.ryegrass.nucleus.Components} and {@link io.ryegrass.nucleus.DeploymentEngine}.
 *
 * <p>State on disk, all below the root folder: {@code config/config.yaml} (identity, only read),
 * {@code generations/} (each the whole result of one deployment, immutable, with a log of runtime
 * configuration changes on top), {@code packages/} (recipes and artifacts), {@code deployments/}
 * (one record for each deployment, rewritten at each transition), {@code run/} (processes started).
 *
 * <p>When the process dies at any moment: the current generation is a pointer in one small file
 * that is replaced atomically, so the next start runs either the old or the new generation, never a
 * mixture. A deployment in flight continues from its last persisted state or rolls back. Processes
 * that the dead nucleus left behind are found by process id and start time and are ended. Messages
 * in the bus' queues are lost (they were not acknowledged to anybody as durable); messages for the
 * cloud were stored by the cloud link before the publisher was told.
 */
@NullMarked
package io.ryegrass.nucleus;

import org.jspecify.annotations.NullMarked;
