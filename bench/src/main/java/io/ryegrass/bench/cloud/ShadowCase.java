package io.ryegrass.bench.cloud;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.ryegrass.bench.mqtt.Loop;
import io.ryegrass.bench.mqtt.Wire;
import io.ryegrass.bench.report.BenchFailed;
import io.ryegrass.bench.report.Goal;
import io.ryegrass.bench.report.Report;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Devices that report into their classic shadows over MQTT and TLS, each with a few updates
 * unanswered. There are so many of them because one connection may publish a hundred times a
 * second.
 */
final class ShadowCase {
  private static final int DEVICES = 100;
  private static final int WINDOW = 4;
  private static final String GROUP = "bench-shadows";

  private final Report report;
  private final double seconds;

  ShadowCase(Report report, double seconds) {
    this.report = report;
    this.seconds = seconds;
  }

  void run(CloudProgram cloud, int devices) {
    Api api = cloud.api();
    DeviceKeys keys = new DeviceKeys();
    Provisioner provisioner = new Provisioner(api, keys);
    provisioner.prepare(GROUP);
    List<String> things = Provisioner.names("shadow", devices);
    provisioner.provision(things, GROUP);
    SSLContext tls = keys.context(cloud.rootCa());
    try (Loop loop = new Loop()) {
      List<Device> all = new ArrayList<>();
      for (String thing : things) {
        Device device = new Device(thing);
        all.add(device);
        loop.connect(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), cloud.mqttPort()),
            null,
            DeviceKeys.engine(tls, thing, cloud.mqttPort()),
            8000,
            device);
      }
      serve(loop, all, 60, "subscribed", d -> d.subscribed);
      all.forEach(Device::begin);
      serveFor(loop, all, Math.min(seconds, 2)); // the compiler's and everybody's first calls
      long before = all.stream().mapToLong(d -> d.accepted).sum();
      double cpu = cloud.cpuSeconds();
      long start = System.nanoTime();
      serveFor(loop, all, seconds);
      double took = (System.nanoTime() - start) / 1e9;
      double cloudCpu = cloud.cpuSeconds() - cpu;
      long count = all.stream().mapToLong(d -> d.accepted).sum() - before;
      all.forEach(d -> d.ending = true);
      serve(loop, all, 60, "answered", d -> d.accepted == d.sent);
      report.figure("shadow_updates", count / took, "updates/s", Goal.atLeast(2000));
      report.figure("shadow_updates_cpu", cloudCpu * 1000 / Math.max(1, count), "ms/update");
      check(api, all);
    } catch (IOException e) {
      throw new BenchFailed("the devices cannot connect: " + e.getMessage(), e);
    }
  }

  static int devices() {
    return DEVICES;
  }

  private interface Condition {
    boolean holds(Device device);
  }

  private static void serve(
      Loop loop, List<Device> all, int seconds, String what, Condition condition)
      throws IOException {
    long end = System.nanoTime() + seconds * 1_000_000_000L;
    while (!all.stream().allMatch(condition::holds)) {
      if (System.nanoTime() > end) {
        throw new BenchFailed("not all devices were " + what + " within " + seconds + " s");
      }
      loop.serve(20);
      failures(all);
    }
  }

  private static void serveFor(Loop loop, List<Device> all, double seconds) throws IOException {
    long end = System.nanoTime() + (long) (seconds * 1e9);
    while (System.nanoTime() < end) {
      loop.serve(5);
    }
    failures(all);
  }

  private static void failures(List<Device> all) {
    all.stream()
        .filter(d -> !d.problem.isEmpty())
        .findFirst()
        .ifPresent(
            d -> {
              throw new BenchFailed("device " + d.thing + ": " + d.problem);
            });
  }

  /** Each shadow counts exactly the updates that were sent, and holds the last of them. */
  private static void check(Api api, List<Device> all) {
    try (Api.Caller caller = api.caller()) {
      for (Device device : all) {
        JsonNode shadow = caller.get("iotdata", "/things/" + device.thing + "/shadow");
        if (shadow.path("version").asLong() != device.sent
            || shadow.path("state").path("reported").path("count").asLong() != device.sent) {
          throw new BenchFailed(
              device.thing + " sent " + device.sent + " updates, and its shadow is " + shadow);
        }
      }
    }
  }

  private static final class Device implements Wire.Listener {
    private final String thing;
    private final String update;
    private @Nullable Wire wire;
    private boolean subscribed;
    private boolean ending;
    private long sent;
    private long accepted;
    private String problem = "";

    Device(String thing) {
      this.thing = thing;
      this.update = "$aws/things/" + thing + "/shadow/update";
    }

    @Override
    public void open(Wire opened) {
      wire = opened;
      opened.out.put(DevicePackets.connect(thing, 1200));
      opened.flush();
    }

    @Override
    public void packet(Wire from, int first, ByteBuffer bytes, int body, int length) {
      switch (first >> 4) {
        case DevicePackets.CONNACK ->
            from.out.put(
                DevicePackets.subscribe(1, List.of(update + "/accepted", update + "/rejected")));
        case DevicePackets.SUBACK -> subscribed = true;
        case DevicePackets.PUBLISH -> {
          DevicePackets.Message message = DevicePackets.Message.of(first, bytes, body, length);
          if (message.packetId() > 0) {
            from.out.put(DevicePackets.acknowledge(message.packetId()));
          }
          if (message.topic().endsWith("/rejected")) {
            problem = new String(message.payload(), UTF_8);
          } else {
            accepted++;
            send(from);
          }
        }
        default -> {
          // PUBACK: the answer counts
        }
      }
    }

    void begin() {
      Wire connection = wire;
      if (connection != null) {
        for (int i = 0; i < WINDOW; i++) {
          send(connection);
        }
        connection.flush();
      }
    }

    private void send(Wire to) {
      if (ending) {
        return;
      }
      sent++;
      String state =
          "{\"state\":{\"reported\":{\"count\":"
              + sent
              + ",\"temperature\":21.5,\"mode\":\"auto\"}}}";
      to.out.put(DevicePackets.publish((int) (sent % 65_000) + 1, update, state.getBytes(UTF_8)));
    }

    @Override
    public void batchEnd(Wire from) {
      from.flush();
    }

    @Override
    public void closed(Wire from) {
      problem = "the cloud closed its connection";
    }
  }
}
