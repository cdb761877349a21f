/**
 * The bus: who gets a message, and each target's bounded queue. Rules come from route sources (V1's
 * subscription table is one) and from V2 local subscriptions; the bus itself knows neither sockets
 * nor brokers.
 *
 * <p>It checks no permission: whoever lets a message in has done so with the identity it
 * established. The IPC server, the local broker, the Lambda module and the cloud link call it, from
 * any thread.
 *
 * <p>Nothing here survives the process. A target that must not lose messages (the cloud) attaches
 * without a queue and stores the message before the publisher gets an answer.
 */
@NullMarked
package io.ryegrass.nucleus.bus;

import org.jspecify.annotations.NullMarked;
