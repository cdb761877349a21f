/**
 * {@code ./ryegrass bench cloud}: a cloud as a user starts it, in a process of its own, measured
 * from outside: its start, signed API calls, shadows over MQTT, and a fleet of thousands of cores.
 *
 * <p>{@link io.ryegrass.bench.cloud.CloudBenchMain} runs the cases. This process is the load: it
 * signs and sends the calls, and it is all the cores at once, each with a key, a certificate and a
 * TLS connection of its own, speaking what a nucleus speaks to its cloud ({@link
 * io.ryegrass.bench.cloud.SimulatedCore}). What the cloud says afterwards is compared with what the
 * cores saw; a difference fails the case. What the figures are measured against stands in
 * docs/bench-cloud.md.
 */
@NullMarked
package io.ryegrass.bench.cloud;

import org.jspecify.annotations.NullMarked;
