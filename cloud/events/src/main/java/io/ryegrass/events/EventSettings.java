package io.ryegrass.events;

import java.time.Duration;
import java.util.List;

/**
 * Bounds of the outbox.
 *
 * @param webhooks who wants events, besides MQTT subscribers
 * @param maxWaiting events that may wait for one target; the oldest die first
 * @param maxDead dead letters kept per target
 * @param maxAge after which an undelivered event is dead; EventBridge's day
 * @param firstPause before the second try; it doubles from there, and is jittered by half
 * @param longestPause between tries
 */
public record EventSettings(
    List<Webhook> webhooks,
    int maxWaiting,
    int maxDead,
    Duration maxAge,
    Duration firstPause,
    Duration longestPause) {
  public EventSettings {
    webhooks = List.copyOf(webhooks);
  }

  /** The usual bounds. */
  public static EventSettings of(List<Webhook> webhooks) {
    return new EventSettings(
        webhooks,
        50_000,
        1_000,
        Duration.ofHours(24),
        Duration.ofSeconds(1),
        Duration.ofMinutes(5));
  }
}
