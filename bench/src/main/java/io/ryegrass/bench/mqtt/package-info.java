/**
 * {@code ./ryegrass bench mqtt}: the MQTT engine measured from outside, side by side with other
 * brokers, each a process of its own.
 *
 * <p>{@link io.ryegrass.bench.mqtt.Traffic} says how load is made and what a number means; {@link
 * io.ryegrass.bench.mqtt.Peers} says how each broker is started. Everything that clients do runs on
 * one thread ({@link io.ryegrass.bench.mqtt.Loop}), so on a machine with two cores the broker has
 * one of its own.
 */
@NullMarked
package io.ryegrass.bench.mqtt;

import org.jspecify.annotations.NullMarked;
