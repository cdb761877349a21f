package io.ryegrass.bench.mqtt;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;

/** Brings clients of one broker up to the point where they may publish or receive. */
final class Clients {
  private static final long DEADLINE = 30_000_000_000L;
  private static final int AT_ONCE = 50;
  private static final int TRIES = 5;

  /** Ports of one local address that are taken before the next address is used. */
  private static final int PORTS = 20_000;

  private final Loop loop;
  private final InetSocketAddress broker;
  private final @Nullable SSLContext tls;
  private int opened;
  private int secondTries;

  Clients(Loop loop, InetSocketAddress broker, @Nullable SSLContext tls) {
    this.loop = loop;
    this.broker = broker;
    this.tls = tls;
  }

  /** A connected client whose subscription was granted. */
  Wire subscriber(String clientId, String filter, int qos, Wire.Listener listener)
      throws IOException {
    return start(new Greeting(clientId, Packets.subscribe(filter, qos), listener), 64 * 1024);
  }

  Wire publisher(String clientId, int outBytes, Wire.Listener listener) throws IOException {
    return start(new Greeting(clientId, null, listener), outBytes);
  }

  /** So many connected clients that do nothing. */
  List<Wire> idle(String prefix, int count) throws IOException {
    List<Wire> all = new ArrayList<>();
    List<Greeting> open = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Greeting greeting = new Greeting(prefix + i, null, Silent.INSTANCE);
      all.add(connect(greeting, 512));
      open.add(greeting);
      if (open.size() == AT_ONCE || i + 1 == count) {
        await(open);
        open.clear();
      }
    }
    return all;
  }

  /** Connects a second: each connects, waits for its CONNACK, disconnects; 50 at a time. */
  double connectsPerSecond(String prefix, double seconds) throws IOException {
    Wire[] wires = new Wire[AT_ONCE];
    Greeting[] greetings = new Greeting[AT_ONCE];
    long start = System.nanoTime();
    long end = start + (long) (seconds * 1e9);
    long done = 0;
    long number = 0;
    long now = start;
    long progressAt = start;
    while (now < end || done == 0) {
      for (int i = 0; i < AT_ONCE; i++) {
        Greeting current = greetings[i];
        if (current != null && current.done) {
          done++;
          progressAt = now;
          disconnect(List.of(wires[i]));
        } else if (current != null && current.failed) {
          throw new IOException(current.state);
        }
        if (current == null || current.done) {
          greetings[i] = new Greeting(prefix + number++, null, Silent.INSTANCE);
          wires[i] = connect(greetings[i], 512);
        }
      }
      loop.serve(20);
      now = System.nanoTime();
      if (now - progressAt > DEADLINE) {
        throw new IOException("no connection came up in 30 s");
      }
    }
    double elapsed = (now - start) / 1e9;
    for (Wire wire : wires) {
      wire.close();
    }
    return done / elapsed;
  }

  static void disconnect(Collection<Wire> wires) {
    for (Wire wire : wires) {
      if (!wire.gone() && wire.out.remaining() >= 2) {
        wire.out.put(Packets.disconnect());
        wire.flush();
      }
      wire.close();
    }
  }

  /** A client tries again when the broker closes the connection instead of answering. */
  private Wire start(Greeting first, int outBytes) throws IOException {
    Greeting greeting = first;
    for (int tries = 1; ; tries++) {
      Wire wire = connect(greeting, outBytes);
      try {
        await(List.of(greeting));
        return wire;
      } catch (IOException e) {
        if (tries == TRIES) {
          throw e;
        }
        secondTries++;
        greeting = new Greeting(first.clientId, first.subscribe, first.then);
      }
    }
  }

  /** How often a broker closed a connection instead of answering. */
  int secondTries() {
    return secondTries;
  }

  private Wire connect(Greeting greeting, int outBytes) throws IOException {
    // Closed connections keep their port for a while: other loopback addresses have other ports.
    byte address = (byte) (1 + opened++ / PORTS % 250);
    InetSocketAddress from =
        address == 1
            ? null
            : new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, address}), 0);
    SSLEngine engine = null;
    if (tls != null) {
      engine = tls.createSSLEngine();
      engine.setSSLParameters(Certificates.parameters());
      engine.setUseClientMode(true);
    }
    return loop.connect(broker, from, engine, outBytes, greeting);
  }

  private void await(Collection<Greeting> greetings) throws IOException {
    long end = System.nanoTime() + DEADLINE;
    while (!greetings.stream().allMatch(g -> g.done)) {
      for (Greeting greeting : greetings) {
        if (greeting.failed) {
          throw new IOException(greeting.clientId + ": " + greeting.state);
        }
      }
      if (System.nanoTime() > end) {
        throw new IOException("a client did not get its connection or subscription in 30 s");
      }
      loop.serve(20);
    }
  }

  /** CONNECT and SUBSCRIBE; from then on everything goes to the real listener. */
  private static final class Greeting implements Wire.Listener {
    private final String clientId;
    private final byte @Nullable [] subscribe;
    private final Wire.Listener then;
    private boolean done;
    private boolean failed;
    private String state = "the broker closed the connection before it was accepted";

    Greeting(String clientId, byte @Nullable [] subscribe, Wire.Listener then) {
      this.clientId = clientId;
      this.subscribe = subscribe;
      this.then = then;
    }

    @Override
    public void open(Wire wire) {
      wire.out.put(Packets.connect(clientId));
      wire.flush();
    }

    @Override
    public void packet(Wire wire, int first, ByteBuffer bytes, int body, int length) {
      if (done) {
        then.packet(wire, first, bytes, body, length);
        return;
      }
      int type = first >> 4;
      boolean refused = bytes.get(body + length - 1) < 0;
      if (type == Packets.CONNACK) {
        failed = refused || bytes.get(body + 1) != 0;
        state =
            failed
                ? "the broker refused the connection with code " + bytes.get(body + 1)
                : "the broker closed the connection when it was asked for a subscription";
        if (subscribe == null) {
          done = !failed;
        } else {
          wire.out.put(subscribe);
          wire.flush();
        }
      } else if (type == Packets.SUBACK) {
        failed = refused;
        state = "the broker refused the subscription";
        done = !failed;
      }
    }

    @Override
    public void batchEnd(Wire wire) {
      if (done) {
        then.batchEnd(wire);
      }
    }

    @Override
    public void closed(Wire wire) {
      failed |= !done;
      if (done) {
        then.closed(wire);
      }
    }
  }

  private enum Silent implements Wire.Listener {
    INSTANCE;

    @Override
    public void open(Wire wire) {}

    @Override
    public void packet(Wire wire, int first, ByteBuffer bytes, int body, int length) {}

    @Override
    public void batchEnd(Wire wire) {}

    @Override
    public void closed(Wire wire) {}
  }
}
