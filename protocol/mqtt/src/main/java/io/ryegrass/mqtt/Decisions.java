package io.ryegrass.mqtt;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What the {@link Authoriser} has said about one connection, by topic, so that it is not asked for
 * each message. Bounded; an answer is used for at most {@link Limits#decisionLifetime} and not
 * after {@link MqttBroker#forgetDecisions()}.
 */
final class Decisions {
  private static final int MOST = 128;

  private record Answer(boolean allowed, long epoch, long untilNanos) {}

  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable Map<String, Answer> publish;
  private @Nullable Map<String, Answer> receive;

  /** Null: not known. */
  @Nullable Boolean publish(String topic, boolean retain, long epoch, long now) {
    lock.lock();
    try {
      return find(publish, key(topic, retain), epoch, now);
    } finally {
      lock.unlock();
    }
  }

  void publishDecided(String topic, boolean retain, boolean allowed, long epoch, long until) {
    lock.lock();
    try {
      publish = put(publish, key(topic, retain), new Answer(allowed, epoch, until));
    } finally {
      lock.unlock();
    }
  }

  /** Null: not known. */
  @Nullable Boolean receive(String topic, long epoch, long now) {
    lock.lock();
    try {
      return find(receive, topic, epoch, now);
    } finally {
      lock.unlock();
    }
  }

  void receiveDecided(String topic, boolean allowed, long epoch, long until) {
    lock.lock();
    try {
      receive = put(receive, topic, new Answer(allowed, epoch, until));
    } finally {
      lock.unlock();
    }
  }

  /** No topic contains U+0000, so the two kinds cannot be taken for each other. */
  private static String key(String topic, boolean retain) {
    return retain ? topic + '\0' : topic;
  }

  private static @Nullable Boolean find(
      @Nullable Map<String, Answer> in, String key, long epoch, long now) {
    Answer a = in == null ? null : in.get(key);
    return a == null || a.epoch != epoch || now - a.untilNanos > 0 ? null : a.allowed;
  }

  private static Map<String, Answer> put(
      @Nullable Map<String, Answer> in, String key, Answer answer) {
    Map<String, Answer> map = in == null ? new HashMap<>(4) : in;
    if (map.size() >= MOST) {
      map.clear(); // rare; asking again is cheaper than keeping account of use
    }
    map.put(key, answer);
    return map;
  }
}
