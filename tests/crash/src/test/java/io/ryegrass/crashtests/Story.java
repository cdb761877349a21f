package io.ryegrass.crashtests;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/** Writes a history by hand, an event a line. */
final class Story {
  private final History history;

  Story() {
    AtomicLong clock = new AtomicLong();
    history = new History(() -> clock.addAndGet(1_000));
  }

  static Message message(long number, int qos) {
    return new Message("p", number, "t/a", qos, false, false);
  }

  static Message retained(long number, boolean erasing) {
    return new Message("p", number, "ret/a", 1, true, erasing);
  }

  /** A broker that is up, a persistent publisher. */
  static Story begun() {
    return new Story()
        .add(new Event.BrokerStarting(1))
        .add(new Event.BrokerReady(1883))
        .connect("p", false, false);
  }

  Story add(Event event) {
    history.add(event);
    return this;
  }

  Story connect(String client, boolean clean, boolean present) {
    return add(new Event.ConnectSent(client, clean))
        .add(new Event.Connected(client, clean, present));
  }

  Story subscribe(String client, String filter, int qos) {
    return add(new Event.SubscribeSent(client, filter, qos))
        .add(new Event.Subscribed(client, filter, qos));
  }

  /** Connects with a persistent session and subscribes. */
  Story subscriber(String client, String filter, int qos) {
    return connect(client, false, false).subscribe(client, filter, qos);
  }

  Story sent(Message m) {
    return add(new Event.Sent(m, 1, false));
  }

  Story sentAgain(Message m) {
    return add(new Event.Sent(m, 1, true));
  }

  /** The whole handshake of its QoS. */
  Story acknowledged(Message m) {
    if (m.qos() == 1) {
      return add(new Event.Acknowledged(m, Event.Ack.PUBACK, 0));
    }
    return add(new Event.Acknowledged(m, Event.Ack.PUBREC, 0))
        .add(new Event.ReleaseSent(m, 1))
        .add(new Event.Acknowledged(m, Event.Ack.PUBCOMP, 0));
  }

  Story published(Message m) {
    sent(m);
    return m.qos() == 0 ? this : acknowledged(m);
  }

  Story delivered(String client, Message m) {
    return add(new Event.Delivered(client, m, 1, m.qos(), false, false));
  }

  Story deliveredAgain(String client, Message m) {
    return add(new Event.Delivered(client, m, 1, m.qos(), true, false));
  }

  Story killed() {
    return add(new Event.BrokerKilled("now"))
        .add(new Event.BrokerStarting(2))
        .add(new Event.BrokerReady(1884));
  }

  Story readRetained(Message... found) {
    Map<String, Message> byTopic = new java.util.HashMap<>();
    for (Message m : found) {
      byTopic.put(m.topic(), m);
    }
    return add(new Event.RetainedRead(history.last(), true, byTopic));
  }

  List<Violation.Kind> kinds() {
    return new ArrayList<>(violations().stream().map(Violation::kind).toList());
  }

  List<Violation> violations() {
    return Checker.check(history.entries());
  }

  List<History.Entry> entries() {
    return history.entries();
  }
}
