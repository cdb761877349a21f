package io.ryegrass.clientdevices;

import io.ryegrass.nucleus.CloudMessage;
import io.ryegrass.nucleus.CloudMessaging;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/** The cloud's broker as far as the shadow of the connectivity information goes. */
final class TestMessaging implements CloudMessaging {
  final List<String> published = new CopyOnWriteArrayList<>();
  private final Map<String, Consumer<CloudMessage>> subscribers = new ConcurrentHashMap<>();

  @Override
  public void publish(String topic, byte[] payload, int qos) {
    published.add(topic + " " + new String(payload, StandardCharsets.UTF_8));
  }

  @Override
  public AutoCloseable subscribe(String filter, int qos, Consumer<CloudMessage> c) {
    subscribers.put(filter, c);
    return () -> subscribers.remove(filter);
  }

  @Override
  public boolean connected() {
    return true;
  }

  void send(String topic, String json) {
    subscribers
        .get(topic)
        .accept(new CloudMessage(topic, json.getBytes(StandardCharsets.UTF_8), 1));
  }
}
