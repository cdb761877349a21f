package io.ryegrass.bench.mqtt;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.Objects;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * A connection to a broker, plain or TLS: cuts what arrives into MQTT packets and hands each to the
 * listener where it lies, without copying or allocating.
 */
public final class Wire {
  /** What the owner of a connection does with it. */
  public interface Listener {
    /** The connection (with TLS: the handshake) is there. */
    void open(Wire wire);

    /** One packet: its first byte, and where its body lies in the buffer. */
    void packet(Wire wire, int first, ByteBuffer bytes, int body, int length);

    /** All packets of one read were handed over. */
    void batchEnd(Wire wire);

    /** The connection ended, by whomever. */
    void closed(Wire wire);
  }

  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  /** What waits to be sent; the owner appends, then calls {@link #flush}. */
  public final ByteBuffer out;

  /** A number for the owner's use. */
  int number;

  private final Loop loop;
  private final SocketChannel channel;
  private final SelectionKey key;
  private final @Nullable SSLEngine tls;
  private final Listener listener;
  private ByteBuffer tornPacket = NOTHING;
  private ByteBuffer tornRecord = NOTHING;
  private ByteBuffer unsentRecords = NOTHING;
  private boolean handshaking;
  private boolean gone;

  Wire(
      Loop loop,
      SocketChannel channel,
      SelectionKey key,
      @Nullable SSLEngine tls,
      int outBytes,
      Listener listener) {
    this.loop = loop;
    this.channel = channel;
    this.key = key;
    this.tls = tls;
    this.out =
        outBytes < 4096 ? ByteBuffer.allocate(outBytes) : ByteBuffer.allocateDirect(outBytes);
    this.listener = listener;
  }

  public boolean gone() {
    return gone;
  }

  public String security() {
    return tls == null
        ? "plain"
        : tls.getSession().getProtocol() + " " + tls.getSession().getCipherSuite();
  }

  void connected() throws IOException {
    key.interestOps(SelectionKey.OP_READ);
    if (tls == null) {
      listener.open(this);
    } else {
      handshaking = true;
      tls.beginHandshake();
      wrap();
    }
  }

  void ready() {
    try {
      if (key.isConnectable() && channel.finishConnect()) {
        connected();
      }
      if (key.isValid() && key.isWritable()) {
        flush();
      }
      if (key.isValid() && key.isReadable()) {
        read();
      }
    } catch (IOException e) {
      close();
    }
  }

  /** Sends what it can of {@link #out}; the rest goes when the socket takes more. */
  public void flush() {
    if (gone || handshaking) {
      return;
    }
    try {
      if (tls == null) {
        out.flip();
        channel.write(out);
        out.compact();
        want(out.position() > 0);
      } else {
        wrap();
      }
    } catch (IOException e) {
      close();
    }
  }

  public void close() {
    if (gone) {
      return;
    }
    gone = true;
    try {
      channel.close();
    } catch (IOException e) {
      // The socket is lost either way, and its owner is told below.
    }
    listener.closed(this);
  }

  private void want(boolean write) {
    int ops = SelectionKey.OP_READ | (write ? SelectionKey.OP_WRITE : 0);
    if (key.isValid() && key.interestOps() != ops) {
      key.interestOps(ops);
    }
  }

  private void read() throws IOException {
    ByteBuffer in = loop.received;
    in.clear();
    if (tls == null) {
      in.put(tornPacket.flip());
      int n = channel.read(in);
      in.flip();
      packets(in);
      tornPacket = keep(in, tornPacket);
      listener.batchEnd(this);
      if (n < 0) {
        close();
      }
    } else {
      in.put(tornRecord.flip());
      int n = channel.read(in);
      in.flip();
      unwrap(in, tls);
      tornRecord = keep(in, tornRecord);
      if (n < 0) {
        close();
      }
    }
  }

  private static ByteBuffer keep(ByteBuffer from, ByteBuffer room) {
    ByteBuffer kept = room;
    if (from.remaining() > room.capacity()) {
      kept = ByteBuffer.allocate(Math.max(from.remaining(), 2 * room.capacity()));
    }
    return kept.clear().put(from);
  }

  private void packets(ByteBuffer in) {
    int at = in.position();
    int limit = in.limit();
    while (limit - at >= 2 && !gone) {
      int length = in.get(at + 1);
      int body = at + 2;
      if (length < 0) {
        length &= 0x7F;
        for (int shift = 7; ; shift += 7) {
          if (body >= limit) {
            in.position(at);
            return;
          }
          int digit = in.get(body++);
          length |= (digit & 0x7F) << shift;
          if (digit >= 0) {
            break;
          }
        }
      }
      if (limit - body < length) {
        break;
      }
      listener.packet(this, in.get(at) & 0xFF, in, body, length);
      at = body + length;
    }
    in.position(at);
  }

  private void unwrap(ByteBuffer in, SSLEngine engine) throws IOException {
    ByteBuffer clear = loop.plain;
    clear.clear().put(tornPacket.flip());
    boolean more = true;
    while (more && !gone) {
      SSLEngineResult result = engine.unwrap(in, clear);
      switch (result.getStatus()) {
        case BUFFER_UNDERFLOW -> more = false;
        case BUFFER_OVERFLOW -> {
          clear.flip();
          packets(clear);
          clear.compact();
        }
        case CLOSED -> throw new SSLException("closed by the broker");
        case OK -> {
          HandshakeStatus next = result.getHandshakeStatus();
          if (handshaking || next == HandshakeStatus.NEED_WRAP) {
            handshake(engine);
          }
          more =
              in.hasRemaining() || engine.getHandshakeStatus() == HandshakeStatus.NEED_UNWRAP_AGAIN;
        }
      }
    }
    clear.flip();
    packets(clear);
    tornPacket = keep(clear, tornPacket);
    listener.batchEnd(this);
  }

  private void handshake(SSLEngine engine) throws IOException {
    while (true) {
      switch (engine.getHandshakeStatus()) {
        case NEED_TASK -> {
          for (Runnable task = engine.getDelegatedTask();
              task != null;
              task = engine.getDelegatedTask()) {
            task.run();
          }
        }
        case NEED_WRAP -> wrap();
        case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> {
          return;
        }
        case FINISHED, NOT_HANDSHAKING -> {
          if (handshaking) {
            handshaking = false;
            listener.open(this);
          }
          return;
        }
      }
    }
  }

  /** Encrypts {@link #out} into records and sends them; during a handshake sends its messages. */
  private void wrap() throws IOException {
    SSLEngine engine = Objects.requireNonNull(tls);
    if (unsentRecords.position() > 0) {
      unsentRecords.flip();
      channel.write(unsentRecords);
      unsentRecords.compact();
    }
    ByteBuffer records = loop.encrypted;
    out.flip();
    int room = engine.getSession().getPacketBufferSize();
    while (unsentRecords.position() == 0
        && (out.hasRemaining() || engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP)) {
      records.clear();
      do {
        engine.wrap(out, records);
      } while (records.remaining() >= room
          && (engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP
              || (!handshaking && out.hasRemaining())));
      records.flip();
      channel.write(records);
      unsentRecords = keep(records, unsentRecords);
      if (handshaking && engine.getHandshakeStatus() != HandshakeStatus.NEED_WRAP) {
        break;
      }
    }
    out.compact();
    want(unsentRecords.position() > 0 || (!handshaking && out.position() > 0));
  }
}
