package io.ryegrass.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ryegrass.durable.DurableException;
import io.ryegrass.mqtt.program.MqttMain;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.eclipse.paho.client.mqttv3.MqttClient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a restart and a kill leave. */
class DurabilityTest {
  @TempDir Path folder;

  @Test
  void aRestartGivesSubscriptionsQueuesInFlightAndRetainedBackInOrder() throws Exception {
    int inFlightId;
    try (MqttBroker broker = TestBroker.durable(folder)) {
      try (RawClient client = new RawClient(broker.port("mqtt"))) {
        client.connected("device", false);
        client.subscribe("t/#", 1).read(RawClient.SUBACK);
        client.subscribe("gone", 1).read(RawClient.SUBACK);
        client.packet(0xA2, RawClient.body(0, 2, "gone")).read();
        broker.publish("t/0", TestBroker.bytes("0"), 1, false);
        broker.publish("t/1", TestBroker.bytes("1"), 1, false);
        int acknowledged = client.read(RawClient.PUBLISH).packetId();
        inFlightId = client.read(RawClient.PUBLISH).packetId();
        client.puback(acknowledged);
        await().until(() -> broker.metrics().queuedMessages() == 1);
      }
      await().until(() -> !broker.isConnected("device"));
      for (int i = 2; i < 200; i++) {
        broker.publish("t/" + i, TestBroker.bytes("" + i), 1, false);
      }
      broker.publish("kept", TestBroker.bytes("retained"), 1, true);
      broker.publish("dropped", TestBroker.bytes("x"), 1, true);
      broker.publish("dropped", new byte[0], 1, true);
    }
    try (MqttBroker broker = TestBroker.durable(folder)) {
      assertThat(broker.metrics().retainedMessages()).isEqualTo(1);
      assertThat(broker.metrics().subscriptions()).isEqualTo(1);
      assertThat(broker.metrics().queuedMessages()).isEqualTo(199);
      broker.publish("t/200", TestBroker.bytes("200"), 1, false);
      try (RawClient client = new RawClient(broker.port("mqtt"))) {
        assertThat(client.connected("device", false)).isTrue();
        for (int i = 1; i <= 200; i++) {
          RawClient.Packet p = client.read(RawClient.PUBLISH);
          assertThat(p.payload()).isEqualTo("" + i);
          assertThat(p.duplicate()).isEqualTo(i == 1);
          if (i == 1) {
            assertThat(p.packetId()).isEqualTo(inFlightId);
          }
          client.puback(p.packetId());
        }
        client.subscribe("kept", 1);
        RawClient.Packet p = client.read();
        assertThat(p.type() == RawClient.SUBACK ? client.read().payload() : p.payload())
            .isEqualTo("retained");
      }
    }
  }

  @Test
  void aCleanConnectionForgetsTheStoredSessionForGood() throws Exception {
    try (MqttBroker broker = TestBroker.durable(folder)) {
      try (RawClient client = new RawClient(broker.port("mqtt"))) {
        client.connected("device", false);
        client.subscribe("t", 1).read(RawClient.SUBACK);
      }
      await().until(() -> !broker.isConnected("device"));
      broker.publish("t", TestBroker.bytes("old"), 1, false);
      try (RawClient client = new RawClient(broker.port("mqtt"))) {
        assertThat(client.connected("device", true)).isFalse();
      }
      await().until(() -> broker.metrics().sessions() == 0);
    }
    try (MqttBroker broker = TestBroker.durable(folder);
        RawClient client = new RawClient(broker.port("mqtt"))) {
      assertThat(broker.metrics().sessions()).isZero();
      assertThat(client.connected("device", false)).isFalse();
    }
  }

  @Test
  void compactionKeepsEverythingThatIsOwedAndGivesTheRestBack() throws Exception {
    byte[] payload = new byte[2_000];
    try (MqttBroker broker =
        TestBroker.builder().dataFolder(folder).compactAfterBytes(200_000).start()) {
      try (RawClient client = new RawClient(broker.port("mqtt"))) {
        client.connected("sleeper", false);
        client.subscribe("keep/#", 1).read(RawClient.SUBACK);
      }
      await().until(() -> !broker.isConnected("sleeper"));
      try (MqttClient busy = TestBroker.connected(broker.port("mqtt"), "busy", false)) {
        List<String> received = TestBroker.collect(busy, "flow");
        for (int i = 0; i < 1000; i++) {
          if (i % 20 == 0) {
            broker.publish("keep/" + i, TestBroker.bytes("" + i), 1, false);
          }
          broker.publish("flow", payload, 1, false);
        }
        await().until(() -> received.size() == 1000);
        await().until(() -> broker.metrics().queuedMessages() == 50);
        busy.disconnect();
      }
      broker.publish("keep/last", TestBroker.bytes("last"), 1, false);
      // acknowledged messages are forgotten by the next compaction, which comes when enough was
      // written since the last: here values of which only the newest is kept
      await()
          .until(
              () -> {
                for (int i = 0; i < 20; i++) {
                  broker.publish("replaced", payload, 1, true);
                }
                return size(folder) < 400_000;
              });
      assertThat(Files.exists(folder.resolve("current"))).isTrue();
    }
    try (MqttBroker broker = TestBroker.durable(folder);
        RawClient client = new RawClient(broker.port("mqtt"))) {
      assertThat(client.connected("sleeper", false)).isTrue();
      for (int i = 0; i < 1000; i += 20) {
        RawClient.Packet p = client.read(RawClient.PUBLISH);
        assertThat(p.payload()).isEqualTo("" + i);
        client.puback(p.packetId());
      }
      assertThat(client.read(RawClient.PUBLISH).payload()).isEqualTo("last");
    }
  }

  private static long size(Path folder) {
    try (var files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).mapToLong(f -> f.toFile().length()).sum();
    } catch (IOException | UncheckedIOException e) {
      return Long.MAX_VALUE; // a file went while we looked: look again
    }
  }

  @Test
  void aSnapshotThatWasBegunAndNotYetNamedIsPassedOver() throws Exception {
    try (MqttBroker broker = TestBroker.durable(folder)) {
      broker.publish("kept", TestBroker.bytes("x"), 1, true);
    }
    Path begun = Files.createDirectories(folder.resolve("snapshot-1"));
    Files.write(begun.resolve("00000000000000000000.seg"), new byte[] {1, 2, 3});
    try (MqttBroker broker = TestBroker.durable(folder)) {
      assertThat(broker.metrics().retainedMessages()).isEqualTo(1);
      assertThat(begun).doesNotExist();
    }
  }

  @Test
  void afterAKillEveryAcknowledgedMessageIsStillOwedInOrder() throws Exception {
    List<Integer> acknowledged = new CopyOnWriteArrayList<>();
    Process broker = start();
    int port = port(broker);
    try (RawClient device = new RawClient(port)) {
      device.connected("device", false);
      device.subscribe("t", 1).read(RawClient.SUBACK);
    }
    try (RawClient sender = new RawClient(port)) {
      sender.connected("sender", true);
      Thread reader =
          Thread.ofVirtual()
              .start(
                  () -> {
                    try {
                      while (true) {
                        acknowledged.add(sender.read(RawClient.PUBACK).packetId());
                        if (acknowledged.size() == 700) {
                          broker.destroyForcibly();
                        }
                      }
                    } catch (RuntimeException e) {
                      // killed
                    }
                  });
      try {
        for (int i = 1; i <= 5000 && reader.isAlive(); i++) {
          while (i - acknowledged.size() > 1_000 && reader.isAlive()) {
            Thread.onSpinWait();
          }
          sender.publish("t", "" + i, 1, i);
        }
      } catch (IOException e) {
        // killed
      }
      reader.join();
    } finally {
      broker.destroyForcibly().waitFor(60, TimeUnit.SECONDS);
    }
    assertThat(acknowledged.size()).isBetween(700, 4999);
    try (MqttBroker again = TestBroker.durable(folder);
        RawClient device = new RawClient(again.port("mqtt"))) {
      assertThat(device.connected("device", false)).isTrue();
      List<Integer> received = new ArrayList<>();
      long owed = again.metrics().queuedMessages();
      for (int i = 0; i < owed; i++) {
        RawClient.Packet p = device.read(RawClient.PUBLISH);
        received.add(Integer.parseInt(p.payload()));
        device.puback(p.packetId());
      }
      assertThat(received)
          .containsAll(acknowledged)
          .isEqualTo(IntStream.rangeClosed(1, received.size()).boxed().toList());
    }
  }

  /**
   * More answers wait for the disk than may: reading stops, goes on, and each one comes in order.
   */
  @Test
  void aFloodOfMessagesIsAcknowledgedInOrderHoweverManyWaitForTheDisk() throws Exception {
    try (MqttBroker broker = TestBroker.durable(folder);
        RawClient away = new RawClient(broker.port("mqtt"));
        RawClient sender = new RawClient(broker.port("mqtt"))) {
      away.connected("away", false);
      away.subscribe("t", 1).read(RawClient.SUBACK);
      sender.connected("sender", true);
      int many = 9_000;
      Thread flood =
          Thread.ofVirtual()
              .start(
                  () -> {
                    try {
                      for (int i = 1; i <= many; i++) {
                        sender.publish("t", "" + i, 1, i);
                      }
                    } catch (IOException e) {
                      throw new java.io.UncheckedIOException(e);
                    }
                  });
      for (int i = 1; i <= many; i++) {
        assertThat(sender.read(RawClient.PUBACK).packetId()).isEqualTo(i);
      }
      flood.join();
    }
  }

  @Test
  void aFolderInUseIsRefused() throws Exception {
    Process broker = start();
    try {
      port(broker);
      assertThatThrownBy(() -> TestBroker.durable(folder))
          .isInstanceOf(DurableException.class)
          .hasMessageContaining("in use by process " + broker.pid());
      broker.destroy();
      assertThat(broker.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(broker.exitValue()).isZero();
      TestBroker.durable(folder).close();
    } finally {
      broker.destroyForcibly();
    }
  }

  private Process start() throws Exception {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx128m",
            "-cp",
            System.getProperty("java.class.path"),
            MqttMain.class.getName(),
            "--port",
            "0",
            "--anonymous",
            "--data",
            folder.toString())
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  private static int port(Process broker) throws Exception {
    String line = broker.inputReader().readLine();
    assertThat(line).startsWith("mqtt broker ready: port=");
    return Integer.parseInt(line.substring(line.indexOf('=') + 1));
  }
}
