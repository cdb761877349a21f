package io.ryegrass.bench.mqtt;

import io.ryegrass.bench.mqtt.ProcFs.CpuTime;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The clients of one scenario against one broker, and the two things measured with them.
 *
 * <p><b>Throughput</b> is deliveries a second while publishers send as fast as the broker delivers:
 * a closed window. At most {@link #WINDOW} messages are under way, from the publish to the last
 * subscriber's receipt, over all publishers together; with QoS 1 a publisher also has at most
 * {@link #IN_FLIGHT} unacknowledged. Flooding without a bound would not measure speed: a publisher
 * that is cheaper than a delivery outruns every broker, which then drops, or grows, or blocks the
 * publisher, each as its policy is, and the "winner" is the one that throws most away. The window
 * lies under every broker's default queue (1,000 messages), so none has a reason to drop, and it is
 * far above what rate times delay asks for, so that it does not slow anybody. What is lost all the
 * same shows as a gap in a publisher's sequence numbers, is counted and printed; when nothing
 * arrives for half a second the messages under way are given up as lost.
 *
 * <p><b>Latency</b> is measured in an open loop: messages have send times on a fixed grid, set
 * before the run; each carries the time at which it <em>should</em> have been sent, so a broker (or
 * a generator) that stalls makes all messages of the stall late and none disappears ("coordinated
 * omission"). Both ends are in one process and read one clock.
 *
 * <p>Subscribers of QoS 1 acknowledge all messages of one read together, as clients do that read in
 * batches.
 */
final class Traffic implements Closeable {
  /** Messages under way between the publishers and the slowest subscriber. */
  static final int WINDOW = 500;

  /** Unacknowledged QoS 1 messages of one publisher. */
  static final int IN_FLIGHT = 100;

  private static final int HEAD = 20;
  private static final Duration GIVE_UP = Duration.ofMillis(500);
  private static final long REST = 40_000;

  /** What a run came to. */
  record Throughput(double perSecond, CpuTime cpu, double seconds, long lost, int dropped) {}

  /** Percentiles in nanoseconds; {@code offered} and {@code achieved} are deliveries a second. */
  record Latency(
      double offered, double achieved, long p50, long p99, CpuTime cpu, double seconds) {}

  private final Scenario scenario;
  private final long giveUpNanos;
  private final Loop loop;
  private final ProcFs broker;
  private final Sender[] senders;
  private final List<Wire> subscribers = new ArrayList<>();

  /** For each subscriber and publisher the next sequence number that should come. */
  private final long[][] expected;

  private Histogram histogram = new Histogram();
  private final String security;
  private long deliveries;
  private long lost;
  private int dropped;
  private long receivedAt;
  private boolean timing;
  private int turn;

  Traffic(Scenario scenario, Loop loop, Clients clients, ProcFs broker, String run)
      throws IOException {
    this(scenario, loop, clients, broker, run, GIVE_UP);
  }

  /**
   * @param giveUp how long nothing may arrive until what is under way counts as lost
   */
  Traffic(Scenario scenario, Loop loop, Clients clients, ProcFs broker, String run, Duration giveUp)
      throws IOException {
    this.scenario = scenario;
    this.giveUpNanos = giveUp.toNanos();
    this.loop = loop;
    this.broker = broker;
    this.expected = new long[scenario.subscribers()][scenario.publishers()];
    this.senders = new Sender[scenario.publishers()];
    String topics = "bench/" + run + "/";
    String filter = scenario.publishers() == 1 ? topics + 0 : topics + "+";
    Receiver receiver = new Receiver();
    for (int i = 0; i < scenario.subscribers(); i++) {
      Wire wire = clients.subscriber(run + "s" + i, filter, scenario.qos(), receiver);
      wire.number = i;
      subscribers.add(wire);
    }
    for (int i = 0; i < senders.length; i++) {
      byte[] packet = Packets.publish(topics + i, scenario.qos(), scenario.payload());
      senders[i] = new Sender(i, packet, clients, run + "p" + i);
    }
    security = subscribers.getFirst().security();
    dropped = clients.secondTries();
  }

  String security() {
    return security;
  }

  /** As fast as it goes, first unmeasured, then measured; ends when all is delivered or lost. */
  Throughput saturate(double warmUp, double seconds) throws IOException {
    run(warmUp, 0);
    CpuTime before = broker.cpu();
    long start = System.nanoTime();
    long from = deliveries;
    long lostBefore = lost;
    run(seconds, 0);
    double elapsed = (System.nanoTime() - start) / 1e9;
    CpuTime cpu = broker.cpu().minus(before);
    double perSecond = (deliveries - from) / elapsed;
    drain();
    return new Throughput(perSecond, cpu, elapsed, lost - lostBefore, dropped);
  }

  /** So many deliveries a second on a fixed grid of send times. */
  Latency pace(double deliveriesPerSecond, double warmUp, double seconds) throws IOException {
    double publishes = deliveriesPerSecond / scenario.subscribers();
    run(warmUp, publishes);
    histogram = new Histogram();
    timing = true;
    CpuTime before = broker.cpu();
    long start = System.nanoTime();
    long from = deliveries;
    run(seconds, publishes);
    double elapsed = (System.nanoTime() - start) / 1e9;
    CpuTime cpu = broker.cpu().minus(before);
    double achieved = (deliveries - from) / elapsed;
    drain();
    timing = false;
    return new Latency(
        deliveriesPerSecond,
        achieved,
        histogram.quantile(0.5),
        histogram.quantile(0.99),
        cpu,
        elapsed);
  }

  /** Sends for so long; publishes a second on a grid, or with 0 as the window allows. */
  private void run(double seconds, double publishesPerSecond) throws IOException {
    long start = System.nanoTime();
    long end = start + (long) (seconds * 1e9);
    double interval = publishesPerSecond > 0 ? 1e9 / publishesPerSecond : 0;
    long count = 0;
    long progress = deliveries;
    long progressAt = start;
    for (long now = start; now < end; now = System.nanoTime()) {
      if (interval > 0) {
        long due = start + (long) (count * interval);
        while (due <= now && sender(count).send(due)) {
          count++;
          due = start + (long) (count * interval);
        }
        flush();
        loop.serveOrRest(due <= now ? 0 : Math.min(due - now, REST));
      } else {
        fillWindow(now);
        loop.serve(20);
      }
      if (deliveries != progress) {
        progress = deliveries;
        progressAt = now;
      } else if (interval == 0 && now - progressAt > giveUpNanos) {
        giveUp();
        progressAt = now;
      }
      if (senderGone()) {
        throw new IOException("the broker closed a publisher's connection");
      }
    }
  }

  private Sender sender(long count) {
    return senders[(int) (count % senders.length)];
  }

  private void fillWindow(long now) {
    long room = WINDOW - underWay();
    int refusals = 0;
    while (room > 0 && refusals < senders.length) {
      if (senders[turn].send(now)) {
        room--;
        refusals = 0;
      } else {
        refusals++;
      }
      turn = turn + 1 == senders.length ? 0 : turn + 1;
    }
    flush();
  }

  private void flush() {
    for (Sender sender : senders) {
      if (sender.dirty) {
        sender.dirty = false;
        sender.wire.flush();
      }
    }
  }

  private boolean senderGone() {
    for (Sender sender : senders) {
      if (sender.wire.gone()) {
        return true;
      }
    }
    return false;
  }

  /** Messages that the slowest subscriber has not received yet. */
  private long underWay() {
    long sent = 0;
    for (Sender sender : senders) {
      sent += sender.next;
    }
    long slowest = sent;
    for (Wire subscriber : subscribers) {
      if (!subscriber.gone()) {
        long got = 0;
        for (long next : expected[subscriber.number]) {
          got += next;
        }
        slowest = Math.min(slowest, got);
      }
    }
    return sent - slowest;
  }

  private void giveUp() {
    for (Wire subscriber : subscribers) {
      long[] next = expected[subscriber.number];
      for (Sender sender : senders) {
        lost += sender.next - next[sender.number];
        next[sender.number] = sender.next;
        sender.unacknowledged = 0;
      }
    }
  }

  private void drain() throws IOException {
    long progress = deliveries;
    long progressAt = System.nanoTime();
    while (underWay() > 0 && System.nanoTime() - progressAt < 2 * giveUpNanos) {
      flush();
      loop.serve(20);
      if (deliveries != progress) {
        progress = deliveries;
        progressAt = System.nanoTime();
      }
    }
    giveUp();
  }

  @Override
  public void close() throws IOException {
    List<Wire> all = new ArrayList<>(subscribers);
    Arrays.stream(senders).forEach(s -> all.add(s.wire));
    Clients.disconnect(all);
    loop.serve(20);
  }

  /** One publisher: a packet made once, in which each message's numbers are written. */
  private final class Sender implements Wire.Listener {
    private final int number;
    private final byte[] packet;
    private final int payloadAt;
    private final Wire wire;
    private long next;
    private int unacknowledged;
    private boolean dirty;

    Sender(int number, byte[] packet, Clients clients, String clientId) throws IOException {
      this.number = number;
      this.packet = packet;
      this.payloadAt = packet.length - scenario.payload();
      this.wire = clients.publisher(clientId, Math.max(64 * 1024, 4 * packet.length), this);
    }

    /** False when the socket is full or too much is unacknowledged. */
    boolean send(long intended) {
      ByteBuffer out = wire.out;
      if (out.remaining() < packet.length) {
        wire.flush();
        if (out.remaining() < packet.length) {
          return false;
        }
      }
      if (scenario.qos() > 0 && unacknowledged >= IN_FLIGHT) {
        return false;
      }
      int at = out.position();
      out.put(packet);
      if (scenario.qos() > 0) {
        out.putShort(at + payloadAt - 2, (short) (1 + next % 65_535));
        unacknowledged++;
      }
      out.putInt(at + payloadAt, number);
      out.putLong(at + payloadAt + 4, next++);
      out.putLong(at + payloadAt + 12, intended);
      dirty = true;
      return true;
    }

    @Override
    public void packet(Wire wire, int first, ByteBuffer bytes, int body, int length) {
      if (first >> 4 == Packets.PUBACK && unacknowledged > 0) {
        unacknowledged--;
      }
    }

    @Override
    public void open(Wire wire) {}

    @Override
    public void batchEnd(Wire wire) {}

    @Override
    public void closed(Wire wire) {}
  }

  /** All subscribers' side. */
  private final class Receiver implements Wire.Listener {
    private boolean fresh = true;

    @Override
    public void packet(Wire wire, int first, ByteBuffer bytes, int body, int length) {
      if (first >> 4 != Packets.PUBLISH) {
        return;
      }
      if (fresh) {
        receivedAt = System.nanoTime();
        fresh = false;
      }
      int at = body + 2 + bytes.getShort(body);
      if ((first & 6) != 0) {
        if (wire.out.remaining() < 4) {
          wire.flush();
        }
        wire.out.putInt(0x4002_0000 | bytes.getShort(at) & 0xFFFF);
        at += 2;
      }
      if (length < at - body + HEAD) {
        throw new IllegalStateException("a payload came shorter than it was sent");
      }
      int publisher = bytes.getInt(at);
      long sequence = bytes.getLong(at + 4);
      long[] next = expected[wire.number];
      if (sequence >= next[publisher]) {
        lost += sequence - next[publisher];
        next[publisher] = sequence + 1;
        deliveries++;
        if (timing) {
          histogram.record(receivedAt - bytes.getLong(at + 12));
        }
      }
    }

    @Override
    public void batchEnd(Wire wire) {
      fresh = true;
      if (wire.out.position() > 0) {
        wire.flush();
      }
    }

    @Override
    public void open(Wire wire) {}

    @Override
    public void closed(Wire wire) {
      dropped++;
    }
  }
}
