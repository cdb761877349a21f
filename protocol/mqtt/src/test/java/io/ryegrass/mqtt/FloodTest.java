package io.ryegrass.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ryegrass.mqtt.program.MqttMain;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Masses of clients that want nothing good, against the broker as a program of its own. */
class FloodTest {
  private static final int MANY = 10_000;

  private Process broker;
  private int port;
  private final List<SocketChannel> attackers = new ArrayList<>();

  @BeforeEach
  void start() throws Exception {
    broker =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-Xmx128m",
                "-cp",
                System.getProperty("java.class.path"),
                MqttMain.class.getName(),
                "--port",
                "0",
                "--anonymous")
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String line = broker.inputReader().readLine();
    port = Integer.parseInt(line.replaceAll(".* port=(\\d+).*", "$1"));
  }

  @AfterEach
  void stop() throws Exception {
    for (SocketChannel each : attackers) {
      each.close();
    }
    broker.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
  }

  private long residentKilobytes() throws IOException {
    return Files.readAllLines(Path.of("/proc", "" + broker.pid(), "status")).stream()
        .filter(l -> l.startsWith("VmRSS:"))
        .mapToLong(l -> Long.parseLong(l.replaceAll("\\D", "")))
        .findFirst()
        .orElseThrow();
  }

  private void attack(int count, byte... with) throws IOException {
    for (int i = 0; i < count; i++) {
      SocketChannel each =
          SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      attackers.add(each);
      each.write(ByteBuffer.wrap(with));
    }
  }

  private void honestClientsAreServed() throws IOException {
    try (RawClient receiver = new RawClient(port);
        RawClient sender = new RawClient(port)) {
      receiver.connected("receiver", true);
      receiver.subscribe("t", 1).read(RawClient.SUBACK);
      sender.connected("sender", true);
      sender.publish("t", "served", 1, 1).read(RawClient.PUBACK);
      assertThat(receiver.read(RawClient.PUBLISH).payload()).isEqualTo("served");
    }
  }

  @Test
  void tenThousandConnectionsWithOneByteEachCostLittleAndHonestClientsAreServed() throws Exception {
    honestClientsAreServed();
    long before = residentKilobytes();
    attack(MANY, (byte) 0x10);
    honestClientsAreServed();
    assertThat(residentKilobytes() - before).as("kB for 10,000").isLessThan(100_000);
    // They have said nothing that makes sense in the time for it, so they are gone.
    SocketChannel last = attackers.getLast();
    await()
        .atMost(Duration.ofSeconds(60))
        .until(
            () -> {
              last.configureBlocking(false);
              return isClosed(last);
            });
    honestClientsAreServed();
  }

  @Test
  void announcedPacketsThatNeverComeAreNotPaidForInAdvance() throws Exception {
    honestClientsAreServed();
    long before = residentKilobytes();
    // CONNECT of 256 KB, announced by its first bytes: 500 of them would be 125 MB.
    attack(500, (byte) 0x10, (byte) 0x80, (byte) 0x80, (byte) 0x0F, (byte) 0, (byte) 4, (byte) 'M');
    honestClientsAreServed();
    assertThat(residentKilobytes() - before).as("kB").isLessThan(30_000);
  }

  private static boolean isClosed(SocketChannel channel) {
    try {
      return channel.read(ByteBuffer.allocate(16)) < 0;
    } catch (IOException e) {
      return true;
    }
  }
}
