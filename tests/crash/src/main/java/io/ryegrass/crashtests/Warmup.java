package io.ryegrass.crashtests;

import java.io.IOException;
import java.time.Duration;
import java.util.SplittableRandom;

/** A little of everything, so that a training run loads the classes that a test round needs. */
final class Warmup {
  private static final int MESSAGES = 200;

  private Warmup() {}

  static void run(BrokerProcess broker, int qos) throws IOException, InterruptedException {
    int port = broker.awaitReady(Duration.ofSeconds(90));
    History history = new History(System::nanoTime);
    Manners prompt = new Manners(new SplittableRandom(1), 0, 0);
    RecordingClient client =
        new RecordingClient("warm-up", Version.V3_1_1, false, 20, 8, history, prompt);
    client.connect(port);
    client.subscribe("t/#", qos);
    for (int n = 1; n <= MESSAGES; n++) {
      client.publish(new Message("warm-up", n, "t/a", n % (qos + 1), n % 20 == 0, false));
      if (n % 50 == 0) {
        client.connect(port);
      }
    }
    client.ping();
    client.unsubscribe("t/#");
    client.disconnect(true, "warm");
  }
}
