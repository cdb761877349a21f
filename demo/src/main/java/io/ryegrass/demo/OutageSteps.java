package io.ryegrass.demo;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.json.JsonMapper;

/** Life without the cloud: nothing stops, nothing is lost, nothing changes its order. */
final class OutageSteps {
  private static final int MESSAGES = 200;

  private final World world;
  private final Watcher watcher;
  private final GroupSteps groups;

  OutageSteps(World world, Watcher watcher, GroupSteps groups) {
    this.world = world;
    this.watcher = watcher;
    this.groups = groups;
  }

  String surviveOutage() {
    world.killCloud();
    String alone = groups.ask("is anybody out there");
    groups.count(1, MESSAGES);
    world.killCore();
    long start = System.nanoTime();
    world.startCore();
    groups.connectDevice();
    groups.ask("and after a restart");
    long restarted = (System.nanoTime() - start) / 1_000_000;
    world.startCloud();
    watcher.reconnect(Duration.ofSeconds(60));
    List<Integer> arrived =
        Await.until(
            "all " + MESSAGES + " messages of the outage",
            Duration.ofSeconds(60),
            () -> Optional.of(numbers()).filter(n -> n.contains(MESSAGES)),
            () -> numbers().size() + " of them");
    checkOrder(arrived);
    return "device → function → device "
        + alone
        + " without the cloud; core killed and back from disk in "
        + restarted
        + " ms, still without; then "
        + MESSAGES
        + " of "
        + MESSAGES
        + " messages in order ("
        + (arrived.size() - MESSAGES)
        + " repeated)";
  }

  /** A message may come twice after a crash (QoS 1), never out of turn, and none may be missing. */
  private static void checkOrder(List<Integer> arrived) {
    int expected = 1;
    for (int n : arrived) {
      if (n == expected) {
        expected++;
      } else if (n > expected) {
        throw new StepFailed("message " + expected + " is missing: " + n + " came in its place");
      }
    }
    if (expected <= MESSAGES) {
      throw new StepFailed("message " + expected + " is missing");
    }
  }

  private List<Integer> numbers() {
    List<Integer> numbers = new ArrayList<>();
    for (MqttDevice.Received message : watcher.received()) {
      if (message.topic().endsWith("/count")) {
        numbers.add(JsonMapper.shared().readTree(message.payload()).path("n").asInt());
      }
    }
    return numbers;
  }
}
