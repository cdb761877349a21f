/**
 * Device shadows: classic and named documents of desired and reported state, over MQTT topics, over
 * HTTPS with a device certificate, and over the signed {@code iot-data} API.
 *
 * <p>The arithmetic (merge, metadata, delta, limits) is {@link
 * io.ryegrass.model.shadow.ShadowDocument}, which the core's shadow service shares; {@link
 * io.ryegrass.registry.shadow.ShadowService} keeps the documents, checks versions and sends the
 * messages.
 *
 * <p>What it does not do: it does not authorise. MQTT requests were authorised by topic, HTTPS ones
 * by the gateway from each route's action and resource, API calls by the call authoriser.
 *
 * <p>When the process dies: an accepted update is on disk before {@code accepted} is published.
 * Messages of a change that was committed in the last instant may be missing; a device learns the
 * state with {@code get} when it reconnects. Deleted shadows leave their version behind for 48
 * hours, so that a recreated one goes on counting. Updates that come at the same time share one
 * commit ({@code UpdateQueue}).
 */
@NullMarked
package io.ryegrass.registry.shadow;

import org.jspecify.annotations.NullMarked;
