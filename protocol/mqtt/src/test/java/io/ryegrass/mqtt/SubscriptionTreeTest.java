package io.ryegrass.mqtt;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The tree against the plain rule, filter by filter. */
class SubscriptionTreeTest {
  private static final String[] LEVELS = {"a", "b", "", "$x", "+", "#"};

  private static String random(Random random, boolean filter) {
    List<String> levels = new ArrayList<>();
    int depth = 1 + random.nextInt(4);
    for (int i = 0; i < depth; i++) {
      String level = LEVELS[random.nextInt(filter ? 6 : 4)];
      levels.add(level);
      if (level.equals("#")) {
        break;
      }
    }
    String text = String.join("/", levels);
    return text.isEmpty() ? "a" : text;
  }

  @Test
  void itFindsExactlyWhatTheRulesOfTheStandardAndOfAwsMatch() {
    for (boolean aws : new boolean[] {false, true}) {
      TopicRules rules = new TopicRules(aws, Limits.awsIotCore());
      SubscriptionTree tree = new SubscriptionTree(!aws);
      Random random = new Random(11);
      List<Session> sessions = new ArrayList<>();
      Map<Session, Map<String, Integer>> model = new HashMap<>();
      for (int i = 0; i < 20; i++) {
        Session s =
            new Session(
                "c" + i,
                new Engine.Parts(
                    tree, new VolatileJournal(), new Counters(), rules, Clock.systemUTC()));
        sessions.add(s);
        model.put(s, new HashMap<>());
      }
      for (int step = 0; step < 4_000; step++) {
        Session s = sessions.get(random.nextInt(sessions.size()));
        String filter = random(random, true);
        if (random.nextInt(3) == 0) {
          tree.remove(filter, s);
          model.get(s).remove(filter);
        } else {
          int qos = random.nextInt(2);
          tree.put(new Subscription(filter, qos, false, false, 0, 0), s, 1);
          model.get(s).put(filter, qos);
        }
        String topic = random(random, false);
        Map<Session, Integer> expected = new HashMap<>();
        model.forEach(
            (session, filters) ->
                filters.forEach(
                    (f, qos) -> {
                      if (rules.matches(f, topic)) {
                        expected.merge(session, qos, Math::max);
                      }
                    }));
        Map<Session, Integer> found = new HashMap<>();
        tree.match(topic)
            .sessions()
            .forEach(
                (session, entries) ->
                    found.put(session, SubscriptionTree.target(session, entries).qos()));
        assertThat(found).as("%s aws=%s", topic, aws).isEqualTo(expected);
      }
      model.forEach((s, filters) -> filters.keySet().forEach(f -> tree.remove(f, s)));
      assertThat(tree.size()).isZero();
    }
  }
}
