package io.ryegrass.nucleus.bus;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ryegrass.nucleus.CloudMessage;
import io.ryegrass.nucleus.CloudMessaging;
import io.ryegrass.nucleus.CloudMessagingException;
import io.ryegrass.nucleus.Message;
import io.ryegrass.nucleus.Participant;
import io.ryegrass.nucleus.PublishResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

/**
 * Routing by the V1 subscription table (v1-group-deployment.md section 9) and V2 local pub/sub
 * (v2-ipc.md section 7.3).
 */
class LocalBusTest {
  private static final String F1 = "arn:aws:lambda:us-east-1:000000000000:function:f:1";
  private static final String THING = "arn:aws:iot:us-east-1:000000000000:thing/dev1";

  private final List<String> toCloud = new CopyOnWriteArrayList<>();
  private final Map<String, Consumer<CloudMessage>> fromCloud = new ConcurrentHashMap<>();
  private boolean spoolFull;
  private final LocalBus bus =
      new LocalBus(
          new CloudMessaging() {
            @Override
            public void publish(String topic, byte[] payload, int qos) {
              if (spoolFull) {
                throw new CloudMessagingException("SPOOLER_FULL", "The spool is full.");
              }
              toCloud.add(topic + "=" + new String(payload, UTF_8) + " qos" + qos);
            }

            @Override
            public AutoCloseable subscribe(String filter, int qos, Consumer<CloudMessage> c) {
              fromCloud.put(filter, c);
              return () -> fromCloud.remove(filter);
            }

            @Override
            public boolean connected() {
              return true;
            }
          });

  @AfterEach
  void close() {
    bus.close();
  }

  private SubscriptionTable table(String json) {
    return SubscriptionTable.compile(
        new JsonMapper().readTree(json),
        refused -> {
          throw new AssertionError(refused);
        });
  }

  private static String row(String id, String source, String subject, String target) {
    return "\"%s\":{\"id\":\"%s\",\"source\":\"%s\",\"subject\":\"%s\",\"target\":\"%s\"}"
        .formatted(id, id, source, subject, target);
  }

  private static Message routed(Participant source, String topic, String payload) {
    return new Message(source, Message.Space.ROUTED, topic, payload.getBytes(UTF_8), 0);
  }

  private static Message local(Participant source, String topic, String payload) {
    return new Message(source, Message.Space.PUBSUB, topic, payload.getBytes(UTF_8), 0);
  }

  @Test
  void a_message_passes_only_where_source_subject_and_target_match() {
    bus.addRoutes(
        "table",
        table("{" + row("1", THING, "in/+/x", F1) + "," + row("2", F1, "out/#", "cloud") + "}"));
    List<String> got = new CopyOnWriteArrayList<>();
    bus.attach(Participant.function(F1), m -> got.add(m.topic()), 10);
    PublishResult r = bus.publish(routed(Participant.device("dev1"), "in/a/x", "1"));
    assertThat(r.delivered()).isEqualTo(1);
    assertThat(bus.publish(routed(Participant.device("dev1"), "in/a/y", "1")).targets()).isZero();
    assertThat(bus.publish(routed(Participant.device("dev2"), "in/a/x", "1")).targets()).isZero();
    bus.publish(routed(Participant.function(F1), "out", "zero levels below"));
    bus.publish(routed(Participant.function(F1), "out/b/c", "two"));
    await().atMost(Duration.ofSeconds(60)).until(() -> got.equals(List.of("in/a/x")));
    assertThat(toCloud).containsExactly("out=zero levels below qos1", "out/b/c=two qos1");
    assertThat(bus.metrics().unrouted()).isEqualTo(2);
  }

  @Test
  void
      a_message_for_the_cloud_is_stored_before_the_publisher_is_answered_and_a_refusal_reaches_it() {
    bus.addRoutes("table", table("{" + row("1", F1, "#", "cloud") + "}"));
    assertThat(bus.publish(routed(Participant.function(F1), "a", "1")).delivered()).isEqualTo(1);
    spoolFull = true;
    PublishResult r = bus.publish(routed(Participant.function(F1), "a", "2"));
    assertThat(r.failed()).isEqualTo(1);
    assertThat(r.failure()).isInstanceOf(CloudMessagingException.class);
    assertThat(toCloud).hasSize(1);
  }

  @Test
  void the_cloud_as_a_source_is_subscribed_to_and_unsubscribed_when_the_row_goes() {
    bus.addRoutes(
        "table",
        table("{" + row("1", "cloud", "cmd/#", F1) + "," + row("2", "cloud", "x", THING) + "}"));
    assertThat(fromCloud.keySet()).containsExactlyInAnyOrder("cmd/#", "x");
    List<String> got = new CopyOnWriteArrayList<>();
    bus.attach(Participant.function(F1), m -> got.add(m.topic()), 10);
    fromCloud.get("cmd/#").accept(new CloudMessage("cmd/go", new byte[0], 1));
    await().atMost(Duration.ofSeconds(60)).until(() -> got.equals(List.of("cmd/go")));
    bus.addRoutes("table", table("{" + row("2", "cloud", "x", THING) + "}"));
    assertThat(fromCloud.keySet()).containsExactly("x");
  }

  /** LMB-07 */
  @Test
  void a_function_is_found_by_its_arn_and_by_its_components_name_and_hears_a_message_once() {
    Participant function = Participant.function(F1);
    Participant component = Participant.component("com.example.Lamp");
    List<String> got = new CopyOnWriteArrayList<>();
    bus.attach(function, m -> got.add(m.topic()), 0);
    bus.attach(Participant.device("dev1"), m -> got.add("thing " + m.topic()), 0);
    bus.alsoCalled(function, component);
    bus.addRoutes(
        "table",
        table(
            "{"
                + row("1", "component:com.example.Lamp", "a", THING)
                + ","
                + row("2", F1, "a", THING)
                + ","
                + row("3", THING, "b", "component:com.example.Lamp")
                + ","
                + row("4", THING, "b", F1)
                + "}"));

    PublishResult said = bus.publish(routed(function, "a", "1"));
    PublishResult heard = bus.publish(routed(Participant.device("dev1"), "b", "2"));
    assertThat(said.targets()).isEqualTo(1);
    assertThat(heard.targets()).isEqualTo(1);
    assertThat(got).containsExactly("thing a", "b");

    bus.detach(function);
    assertThat(bus.publish(routed(Participant.device("dev1"), "b", "3")).delivered()).isZero();
  }

  @Test
  void a_row_that_is_not_valid_is_left_out_with_a_sentence_and_the_others_count() {
    List<String> refused = new ArrayList<>();
    SubscriptionTable t =
        SubscriptionTable.compile(
            new JsonMapper()
                .readTree(
                    "{"
                        + row("1", "nonsense", "a", F1)
                        + ","
                        + row("2", F1, "a/#/b", "cloud")
                        + ","
                        + row("3", F1, "a", "cloud")
                        + "}"),
            refused::add);
    assertThat(t.rows()).isEqualTo(1);
    assertThat(refused).hasSize(2).allMatch(s -> s.startsWith("Subscription "));
  }

  @Test
  void a_full_queue_drops_the_new_message_counts_it_and_delays_nobody_else() throws Exception {
    bus.addRoutes(
        "table", table("{" + row("1", THING, "a", F1) + "," + row("2", THING, "a", "cloud") + "}"));
    CountDownLatch go = new CountDownLatch(1);
    List<String> got = new CopyOnWriteArrayList<>();
    bus.attach(
        Participant.function(F1),
        m -> {
          try {
            go.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          got.add(new String(m.payload(), UTF_8));
        },
        2);
    int dropped = 0;
    for (int i = 0; i < 10; i++) {
      dropped += bus.publish(routed(Participant.device("dev1"), "a", "" + i)).droppedFull();
    }
    assertThat(dropped).isBetween(7, 8);
    assertThat(toCloud).hasSize(10);
    go.countDown();
    int kept = 10 - dropped;
    await().atMost(Duration.ofSeconds(60)).until(() -> got.size() == kept);
    assertThat(got.getFirst()).isEqualTo("0");
    assertThat(bus.metrics().droppedFull()).isEqualTo(dropped);
  }

  @Test
  void local_pubsub_keeps_order_and_hides_own_messages_when_asked() {
    List<String> all = new CopyOnWriteArrayList<>();
    List<String> others = new CopyOnWriteArrayList<>();
    Participant a = Participant.component("a");
    Participant b = Participant.component("b");
    bus.subscribe(a, "t/+", true, m -> all.add(new String(m.payload(), UTF_8)));
    var closing = bus.subscribe(a, "t/#", false, m -> others.add(new String(m.payload(), UTF_8)));
    for (int i = 0; i < 100; i++) {
      bus.publish(local(i % 2 == 0 ? a : b, "t/x", "" + i));
    }
    assertThat(bus.publish(local(b, "t", "the parent level is not matched")).targets()).isZero();
    await().atMost(Duration.ofSeconds(60)).until(() -> all.size() == 100 && others.size() == 50);
    assertThat(all).isSortedAccordingTo((x, y) -> Integer.parseInt(x) - Integer.parseInt(y));
    assertThat(others).first().isEqualTo("1");
    closing.close();
    closing.close();
    assertThat(bus.publish(local(b, "t/x", "1")).targets()).isEqualTo(1);
  }

  @Test
  void who_brings_its_own_queue_is_asked_at_once_and_its_refusals_are_counted() {
    List<String> taken = new ArrayList<>();
    var open =
        bus.subscribeUnqueued(
            Participant.component("a"),
            "t/+",
            true,
            m -> taken.size() < 2 && taken.add(new String(m.payload(), UTF_8)));
    for (int i = 0; i < 5; i++) {
      bus.publish(local(Participant.component("b"), "t/x", "" + i));
    }
    assertThat(taken).containsExactly("0", "1");
    assertThat(bus.metrics().droppedFull()).isEqualTo(3);
    open.close();
    assertThat(bus.publish(local(Participant.component("b"), "t/x", "5")).targets()).isZero();
  }

  @Test
  void a_component_takes_part_in_the_table_by_its_name() {
    bus.addRoutes(
        "table",
        table(
            "{"
                + row("1", F1, "a", "component:c")
                + ","
                + row("2", "component:c", "b", "cloud")
                + "}"));
    List<String> got = new CopyOnWriteArrayList<>();
    bus.subscribe(Participant.component("c"), "a", true, m -> got.add(m.topic()));
    assertThat(bus.publish(routed(Participant.function(F1), "a", "1")).delivered()).isEqualTo(1);
    await().atMost(Duration.ofSeconds(60)).until(() -> got.equals(List.of("a")));
    bus.publish(local(Participant.component("c"), "b", "2"));
    assertThat(toCloud).containsExactly("b=2 qos1");
  }
}
