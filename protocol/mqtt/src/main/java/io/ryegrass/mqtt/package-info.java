/**
 * The MQTT engine that the cloud's device gateway and the core's local broker embed: MQTT 3.1,
 * 3.1.1 and 5.0, QoS 0 to 2, shared subscriptions, TCP, TLS with client certificates, WebSocket,
 * persistent sessions, retained messages, wills.
 *
 * <p>What it does not do: clustering, bridges, enhanced authentication (AUTH is refused properly).
 * It knows nothing of AWS policies, shadows or jobs: the host program decides by {@link
 * io.ryegrass.mqtt.Authenticator} and {@link io.ryegrass.mqtt.Authoriser} and takes part by {@link
 * io.ryegrass.mqtt.Interceptor}. Without an authoriser nothing starts; one that fails refuses.
 *
 * <p>And the other end: {@link io.ryegrass.mqtt.MqttClient} is one connection of a client of MQTT 5
 * or 3.1.1 with QoS 0 and 1, for the core's link to the cloud. It shares the reading of data types,
 * the rules of text and the reason codes with the engine; what follows is about the engine.
 *
 * <p><b>Threads.</b> A packet is handled on its socket's event loop where that asks nobody who may
 * block; the rest of a connection's packets go, in order, through a mailbox to a virtual thread, so
 * host code may block there without disturbing anybody else. Routes and decisions are remembered
 * per topic, so that a stream of messages stays on the event loop. What a batch of input causes is
 * collected per receiver and written once ({@link io.ryegrass.mqtt.LoopState}). A session's state
 * is guarded by its own short lock, and what is sent to a client is encoded under it on the
 * client's event loop, so there is one order of events per session. Lock order: the journal's gate,
 * then a session, then the subscription tree or the log.
 *
 * <p><b>Bounds.</b> Packets waiting per connection (then reading stops), messages and bytes queued
 * per session and in all, in-flight messages, retained messages, sessions, connections, handshakes,
 * rates, topic depth and length: see {@link io.ryegrass.mqtt.Limits}. At each bound there is a
 * policy and a counter in {@link io.ryegrass.mqtt.BrokerMetrics} or {@link
 * io.ryegrass.mqtt.ListenerMetrics}.
 *
 * <p><b>When the process dies at any moment</b> and a data folder was given: a PUBACK or PUBREC
 * that was sent means that the message is on the disk for every persistent session that subscribed
 * to it; a SUBACK to a persistent session means that the subscription is; a retained message
 * published with QoS 1 or 2 is. After the restart all of it is there again in order; QoS 1 messages
 * whose acknowledgement was not yet on the disk are delivered a second time with DUP set, QoS 2
 * messages are not delivered twice ({@link io.ryegrass.mqtt.Outbox} says why). QoS 0 messages,
 * sessions that end with their connection and wills that wait for their delay are not stored.
 * Without a data folder sessions live as long as the process.
 */
@NullMarked
package io.ryegrass.mqtt;

import org.jspecify.annotations.NullMarked;
