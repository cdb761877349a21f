package io.ryegrass.mqtt;

import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Who gets the messages of one topic: what the subscription tree says, less those who may not
 * receive it. Worked out once and used until the tree or a decision changes.
 *
 * @param version of the tree
 * @param epoch of the decisions
 * @param validUntilNanos {@code System.nanoTime()} after which the decisions are asked for again
 */
record Route(long version, long epoch, long validUntilNanos, Target[] targets, Share[] shares) {
  static final Target[] NO_TARGETS = new Target[0];
  static final Share[] NO_SHARES = new Share[0];

  boolean isEmpty() {
    return targets.length == 0 && shares.length == 0;
  }

  /**
   * One session and what all of its matching subscriptions together ask for: the highest QoS
   * [MQTT-3.3.5-1] and all identifiers [MQTT5-3.3.4-3].
   *
   * @param incarnation of the session for which the subscriptions were made
   * @param own what this target gets of messages that its client itself published: the same without
   *     the subscriptions of the option "no local" [MQTT5-3.8.3-3]; null for nothing
   * @param plain whether no subscription has that option, so that {@code own} need not be looked at
   */
  record Target(
      Session session,
      long incarnation,
      int qos,
      boolean retainAsPublished,
      int[] identifiers,
      @Nullable Target own,
      boolean plain) {}

  /** The members of a shared subscription, of which one gets each message [MQTT5-4.8.2-4]. */
  record Share(Target[] members, AtomicInteger turn) {
    /**
     * The next member that is connected and not behind; else one that is connected; else one that
     * is away (its messages wait for it).
     */
    Target pick() {
      int start = Math.floorMod(turn.getAndIncrement(), members.length);
      Target connected = null;
      for (int i = 0; i < members.length; i++) {
        Target t = members[(start + i) % members.length];
        if (t.session().isConnected()) {
          if (t.session().keepsUp()) {
            return t;
          }
          connected = connected == null ? t : connected;
        }
      }
      return connected == null ? members[start] : connected;
    }
  }
}
