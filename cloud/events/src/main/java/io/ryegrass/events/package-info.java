/**
 * What happened in the cloud, told in the shape of EventBridge (NTF-02, MON-03, MON-04, TEL-06) to
 * MQTT subscribers and to the webhooks that the operator configured.
 *
 * <p>{@link io.ryegrass.events.EventSink} is the port of the services, {@link
 * io.ryegrass.events.EventService} its implementation: an outbox in the cloud's database, one row
 * per event and target, written in the transaction of the change. One thread per target delivers in
 * order and removes what was taken; a webhook that fails is tried again with growing, jittered
 * pauses, and an event that is refused, a day old, or pushed out by the outbox's bound becomes a
 * dead letter, which is kept (the newest thousand per target) and counted.
 *
 * <p>Only URLs that were configured at the start are ever called, and redirects are not followed.
 * Each request bears an HMAC of its body ({@link io.ryegrass.events.WebhookSignature}).
 *
 * <p>When the process dies: an event is in the outbox exactly when its change is committed; what
 * was delivered and not yet removed is delivered again. Order and uniqueness are not promised, as
 * with AWS; the field {@code id} stays the same.
 */
@NullMarked
package io.ryegrass.events;

import org.jspecify.annotations.NullMarked;
