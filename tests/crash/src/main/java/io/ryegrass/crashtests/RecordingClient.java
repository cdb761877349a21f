package io.ryegrass.crashtests;

import io.ryegrass.crashtests.Event.Ack;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One client identifier with its session state, over any number of connections and broker lives.
 *
 * <p>As the standard wants it (3.1.1 section 4.4, 5.0 section 4.4): unacknowledged PUBLISH (with
 * DUP) and PUBREL packets go out again, with their identifiers and in their order, after each
 * reconnect and at no other time; a QoS 2 identifier is remembered from PUBLISH to PUBREL and what
 * comes under it meanwhile is not handed on again; acknowledgements keep the order of the messages.
 * When the broker has no session, the state is discarded.
 *
 * <p>One virtual thread reads for each connection. The lock guards the state and is held while a
 * packet is written; whatever comes from a connection that is no longer the current one is ignored
 * as if it had been lost on the way.
 */
final class RecordingClient {
  private static final int ANSWER_MILLIS = 30_000;

  private final String id;
  private final Version version;
  private final boolean clean;
  private final int receiveMaximum;
  private final int ownWindow;
  private final History history;
  private final Manners manners;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  private final LinkedHashMap<Integer, Outgoing> outgoing = new LinkedHashMap<>();
  private final Set<Integer> received = new HashSet<>();
  private final Map<Integer, Integer> answers = new HashMap<>();
  private @Nullable Line line;
  private int window;
  private int lastPacketId;
  private int pongs;
  private volatile boolean busy;

  private record Outgoing(Message message, boolean released) {}

  private record Line(Socket socket, OutputStream out) {}

  /**
   * @param clean each CONNECT begins a new session
   * @param receiveMaximum told to the broker with MQTT 5
   * @param window most messages under way to the broker
   */
  RecordingClient(
      String id,
      Version version,
      boolean clean,
      int receiveMaximum,
      int window,
      History history,
      Manners manners) {
    this.id = id;
    this.version = version;
    this.clean = clean;
    this.receiveMaximum = receiveMaximum;
    this.ownWindow = window;
    this.window = window;
    this.history = history;
    this.manners = manners;
  }

  String id() {
    return id;
  }

  Manners manners() {
    return manners;
  }

  boolean isConnected() {
    return locked(() -> line != null);
  }

  /** Nothing under way in either direction. */
  boolean isIdle() {
    return locked(() -> outgoing.isEmpty() && received.isEmpty() && !busy);
  }

  // ---- connections

  /**
   * Connects and sends again what is due. A connection that still stands is taken over: its socket
   * stays open until the broker has answered on the new one.
   */
  void connect(int port) throws IOException {
    Line old = takeLine();
    Socket socket = new Socket();
    try {
      socket.setTcpNoDelay(true);
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), ANSWER_MILLIS);
      socket.setSoTimeout(ANSWER_MILLIS);
      DataInputStream in = new DataInputStream(new BufferedInputStream(socket.getInputStream()));
      history.add(new Event.ConnectSent(id, clean));
      OutputStream out = socket.getOutputStream();
      out.write(Wire.connect(version, id, clean, receiveMaximum));
      Wire.Packet answer = Wire.read(in);
      if (answer.type() != Wire.CONNACK || answer.u8(1) != 0) {
        throw new IOException(
            id + " was refused: packet " + answer.type() + ", code " + answer.u8(1));
      }
      socket.setSoTimeout(0);
      open(new Line(socket, out), in, answer);
    } catch (IOException e) {
      close(socket);
      throw e;
    } finally {
      if (old != null) {
        close(old.socket);
      }
    }
  }

  private void open(Line fresh, DataInputStream in, Wire.Packet connAck) throws IOException {
    boolean present = (connAck.u8(0) & 1) != 0;
    lock.lock();
    try {
      history.add(new Event.Connected(id, clean, present));
      if (!present) {
        outgoing.clear();
        received.clear();
      }
      answers.clear();
      window =
          version == Version.V5 ? Math.min(ownWindow, Wire.receiveMaximum(connAck)) : ownWindow;
      line = fresh;
      for (Map.Entry<Integer, Outgoing> e : outgoing.entrySet()) {
        if (e.getValue().released) {
          release(e.getKey(), e.getValue().message);
        } else {
          publish(e.getKey(), e.getValue().message, true);
        }
      }
    } catch (IOException e) {
      line = null;
      throw e;
    } finally {
      changed.signalAll();
      lock.unlock();
    }
    Thread.ofVirtual().name(id).start(() -> readAll(fresh, in));
  }

  /** Ends the connection with DISCONNECT, or without a word. */
  void disconnect(boolean politely, String why) {
    Line old = takeLine();
    if (old != null) {
      history.add(new Event.Disconnected(id, why));
      try {
        if (politely) {
          old.out.write(Wire.empty(Wire.DISCONNECT));
        }
      } catch (IOException e) {
        history.add(new Event.Disconnected(id, "DISCONNECT did not go out: " + e.getMessage()));
      }
      close(old.socket);
    }
  }

  private @Nullable Line takeLine() {
    lock.lock();
    try {
      return forgetLine();
    } finally {
      lock.unlock();
    }
  }

  private @Nullable Line forgetLine() {
    Line old = line;
    line = null;
    changed.signalAll();
    return old;
  }

  private void lost(Line broken, String how) {
    lock.lock();
    try {
      if (line == broken) {
        forgetLine();
        history.add(new Event.Disconnected(id, how));
      }
    } finally {
      lock.unlock();
    }
    close(broken.socket);
  }

  // ---- publishing

  /**
   * Sends a message, or waits until the window has room.
   *
   * @return false when there is no connection or no room came; then nothing was sent
   */
  boolean publish(Message message) {
    lock.lock();
    try {
      if (message.qos() > 0 && !await(() -> outgoing.size() < window, 200)) {
        return false;
      }
      if (line == null) {
        return false;
      }
      int packetId = 0;
      if (message.qos() > 0) {
        packetId = nextPacketId();
        outgoing.put(packetId, new Outgoing(message, false));
      }
      publish(packetId, message, false);
      return true;
    } catch (IOException e) {
      return true; // sent or half sent: the reader will see the end of the connection
    } finally {
      lock.unlock();
    }
  }

  private void publish(int packetId, Message message, boolean dup) throws IOException {
    history.add(new Event.Sent(message, packetId, dup));
    write(Wire.publish(version, message, packetId, dup));
  }

  private void release(int packetId, Message message) throws IOException {
    history.add(new Event.ReleaseSent(message, packetId));
    write(Wire.ack(Wire.PUBREL, packetId));
  }

  private int nextPacketId() {
    do {
      lastPacketId = lastPacketId % 0xFFFF + 1;
    } while (outgoing.containsKey(lastPacketId) || answers.containsKey(lastPacketId));
    return lastPacketId;
  }

  // ---- subscribing

  /** Asks and waits for the answer; false when none came. A refusal is an error of the test. */
  boolean subscribe(String filter, int qos) {
    history.add(new Event.SubscribeSent(id, filter, qos));
    int code = ask(packetId -> Wire.subscribe(version, packetId, filter, qos));
    if (code < 0) {
      return false;
    }
    if (code >= 0x80) {
      throw new IllegalStateException(
          "SUBSCRIBE of " + id + " to " + filter + " was refused with " + code);
    }
    history.add(new Event.Subscribed(id, filter, code));
    return true;
  }

  boolean unsubscribe(String filter) {
    history.add(new Event.UnsubscribeSent(id, filter));
    int code = ask(packetId -> Wire.unsubscribe(version, packetId, filter));
    if (code >= 0) {
      history.add(new Event.Unsubscribed(id, filter));
    }
    return code >= 0;
  }

  /** True when the broker has answered a PINGREQ, so it is through with what came before. */
  boolean ping() {
    lock.lock();
    try {
      int before = pongs;
      write(Wire.empty(Wire.PINGREQ));
      return await(() -> pongs != before, ANSWER_MILLIS);
    } catch (IOException e) {
      return false;
    } finally {
      lock.unlock();
    }
  }

  private interface Question {
    byte[] packet(int packetId);
  }

  private int ask(Question question) {
    lock.lock();
    try {
      int packetId = nextPacketId();
      answers.put(packetId, -1);
      write(question.packet(packetId));
      await(() -> answers.getOrDefault(packetId, 0) >= 0, ANSWER_MILLIS);
      Integer answer = answers.remove(packetId);
      return answer == null ? -1 : answer;
    } catch (IOException e) {
      return -1;
    } finally {
      lock.unlock();
    }
  }

  // ---- receiving

  private void readAll(Line from, DataInputStream in) {
    try {
      while (true) {
        Wire.Packet packet = Wire.read(in);
        if (packet.type() == Wire.PUBLISH) {
          received(from, Wire.publish(packet, version));
        } else if (packet.type() == Wire.PUBREL) {
          released(from, packet);
        } else if (packet.type() == Wire.DISCONNECT) {
          throw new IOException("DISCONNECT with reason code " + packet.u8(0));
        } else {
          answered(from, packet);
        }
      }
    } catch (IOException e) {
      lost(from, String.valueOf(e.getMessage()));
    }
  }

  private void received(Line from, Wire.Publish p) throws IOException {
    lock.lock();
    try {
      if (line != from) {
        return;
      }
      record(p);
      busy = true;
    } finally {
      lock.unlock();
    }
    try {
      if (p.qos() > 0 && arrives(from)) {
        send(from, Wire.ack(p.qos() == 1 ? Wire.PUBACK : Wire.PUBREC, p.packetId()));
      }
    } finally {
      busy = false;
    }
  }

  private void record(Wire.Publish p) {
    Message message = Message.read(p.topic(), p.payload());
    boolean known = p.qos() == 2 && !received.add(p.packetId());
    if (message == null) {
      if (p.payload().length > 0) {
        history.add(new Event.Unreadable(id, p.topic(), p.payload().length + " bytes"));
      }
    } else if (known) {
      history.add(new Event.Recognised(id, message, p.packetId()));
    } else {
      history.add(new Event.Delivered(id, message, p.packetId(), p.qos(), p.dup(), p.retain()));
    }
  }

  private void released(Line from, Wire.Packet packet) throws IOException {
    locked(() -> line == from && received.remove(packet.u16(0)));
    if (arrives(from)) {
      send(from, Wire.ack(Wire.PUBCOMP, packet.u16(0)));
    }
  }

  /** Late, or never: whether the acknowledgement that is due now goes out. */
  private boolean arrives(Line from) throws IOException {
    int delay = manners.delayMillis();
    if (delay > 0) {
      pause(delay);
    }
    if (manners.breaksNow()) {
      lost(from, "broke off instead of acknowledging");
      return false;
    }
    return true;
  }

  private void answered(Line from, Wire.Packet packet) throws IOException {
    lock.lock();
    try {
      if (line != from) {
        return;
      }
      int packetId = packet.u16(0);
      int reason = packet.u8(2);
      Outgoing sent = outgoing.get(packetId);
      switch (packet.type()) {
        case Wire.PUBACK -> settle(packetId, sent, Ack.PUBACK, reason);
        case Wire.PUBCOMP -> settle(packetId, sent, Ack.PUBCOMP, reason == 0x92 ? 0 : reason);
        case Wire.PUBREC -> {
          if (reason >= 0x80) {
            settle(packetId, sent, Ack.PUBREC, reason);
          } else if (sent != null) {
            history.add(new Event.Acknowledged(sent.message, Ack.PUBREC, reason));
            outgoing.put(packetId, new Outgoing(sent.message, true));
            release(packetId, sent.message);
          }
        }
        case Wire.SUBACK, Wire.UNSUBACK -> {
          int at = version == Version.V5 ? Wire.afterProperties(packet, 2) : 2;
          int code = packet.type() == Wire.UNSUBACK ? 0 : packet.u8(at);
          answers.computeIfPresent(packetId, (p, unused) -> code);
        }
        case Wire.PINGRESP -> pongs++;
        default -> throw new IOException("unexpected packet type " + packet.type());
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void settle(int packetId, @Nullable Outgoing sent, Ack ack, int reason) {
    if (sent != null) {
      history.add(new Event.Acknowledged(sent.message, ack, reason));
      outgoing.remove(packetId);
    }
  }

  // ---- small things

  private void send(Line to, byte[] packet) throws IOException {
    lock.lock();
    try {
      if (line == to) {
        write(packet);
      }
    } finally {
      lock.unlock();
    }
  }

  private void write(byte[] packet) throws IOException {
    Line current = line;
    if (current == null) {
      throw new IOException("not connected");
    }
    current.out.write(packet);
  }

  private interface Test {
    boolean holds();
  }

  /** Waits with the lock for as long as the connection stands. */
  private boolean await(Test test, long millis) {
    Line held = line;
    long left = TimeUnit.MILLISECONDS.toNanos(millis);
    try {
      while (!test.holds()) {
        if (line != held || held == null || left <= 0) {
          return false;
        }
        left = changed.awaitNanos(left);
      }
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private boolean locked(Test test) {
    lock.lock();
    try {
      return test.holds();
    } finally {
      lock.unlock();
    }
  }

  static void pause(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      // Nothing is lost with it: the connection was given up before.
      Thread.onSpinWait();
    }
  }
}
