/**
 * The MQTT engine that the cloud's device gateway and the core's local broker embed: MQTT 3.1.1,
 * QoS 0 and 1, TLS with client certificates, persistent sessions, retained messages, wills, on
 * Netty's codec.
 *
 * <p>What it does not do: QoS 2 (a publish closes the connection, a subscription is granted QoS 1,
 * as AWS IoT Core announces), MQTT 5, shared subscriptions, WebSocket, clustering. It knows nothing
 * of AWS policies, shadows or jobs: the host program decides by {@link
 * io.ryegrass.mqtt.Authenticator} and {@link io.ryegrass.mqtt.Authoriser} and takes part by {@link
 * io.ryegrass.mqtt.Interceptor}.
 *
 * <p><b>Threads.</b> Event loops only decode and write. Each connection's packets are handled one
 * after the other on a virtual thread, so host code may block there without disturbing anybody
 * else, and packets keep their order. A session's state is guarded by its own short lock; whatever
 * is sent to a client is sent under it, so there is one order of events per session. Lock order:
 * the journal's gate, then a session, then the topic tree or the log.
 *
 * <p><b>Bounds.</b> Packets waiting per connection (then reading stops), messages and bytes queued
 * per session and in all, in-flight messages, retained messages, sessions, connections, topic depth
 * and length: see {@link io.ryegrass.mqtt.Limits}. At each bound there is a policy and a counter in
 * {@link io.ryegrass.mqtt.BrokerMetrics}.
 *
 * <p><b>When the process dies at any moment</b> and a data folder was given: a PUBACK that was sent
 * means that the message is on the disk for every persistent session that subscribed to it; a
 * SUBACK to a persistent session means that the subscription is; a retained message published with
 * QoS 1 is. After the restart all of it is there again in order; messages whose acknowledgement was
 * not yet on the disk are delivered a second time with DUP set. QoS 0 messages and clean sessions
 * are not stored. Without a data folder sessions live as long as the process.
 */
@NullMarked
package io.ryegrass.mqtt;

import org.jspecify.annotations.NullMarked;
