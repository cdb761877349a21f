package io.ryegrass.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Mosquitto's clients as peers. */
class MosquittoTest {
  @BeforeAll
  static void clientsAreThere() {
    assumeThat(
            Stream.of(System.getenv("PATH").split(":"))
                .anyMatch(p -> Files.isExecutable(Path.of(p, "mosquitto_sub"))))
        .as("mosquitto_pub and mosquitto_sub are on the PATH (apt-get install mosquitto-clients)")
        .isTrue();
  }

  private static Process run(String... command) throws Exception {
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  private static String output(Process p) throws Exception {
    String text = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(p.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return text;
  }

  @Test
  void theyPublishSubscribeAndResumeTheirSessions() throws Exception {
    try (MqttBroker broker = TestBroker.builder().start()) {
      String port = "" + broker.port("mqtt");
      String[] subscriber = {
        "mosquitto_sub",
        "-V",
        "mqttv311",
        "-h",
        "127.0.0.1",
        "-p",
        port,
        "-i",
        "sub",
        "-c",
        "-q",
        "1",
        "-t",
        "m/+",
        "-C",
        "2",
        "-W",
        "60"
      };
      Process first = run(subscriber);
      await().until(() -> broker.metrics().subscriptions() == 1);
      for (String text : new String[] {"one", "two", "three", "four"}) {
        if (text.equals("three")) { // before that, or it is acknowledged and not shown
          assertThat(output(first)).isEqualTo("one\ntwo\n");
        }
        Process p =
            run(
                "mosquitto_pub",
                "-V",
                "mqttv311",
                "-h",
                "127.0.0.1",
                "-p",
                port,
                "-q",
                "1",
                "-t",
                "m/x",
                "-m",
                text);
        assertThat(output(p)).isEmpty();
        assertThat(p.exitValue()).isZero();
      }
      assertThat(output(run(subscriber))).isEqualTo("three\nfour\n");
    }
  }
}
