package io.ryegrass.bench.mqtt;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.concurrent.locks.LockSupport;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;

/**
 * One thread's sockets. Received bytes of all connections pass through the same direct buffers: a
 * connection keeps only the torn packet at the end of what it read, so thousands of idle ones cost
 * little and a read of a busy one brings hundreds of packets for one system call.
 */
public final class Loop implements Closeable {
  private static final int BUFFER = 512 * 1024;

  final ByteBuffer received = ByteBuffer.allocateDirect(BUFFER);
  final ByteBuffer plain = ByteBuffer.allocateDirect(BUFFER);
  final ByteBuffer encrypted = ByteBuffer.allocateDirect(BUFFER);
  private final Selector selector;

  public Loop() throws IOException {
    selector = Selector.open();
  }

  /** Starts to connect; {@link Wire.Listener#open} tells when bytes may be sent. */
  public Wire connect(
      InetSocketAddress to,
      @Nullable InetSocketAddress from,
      @Nullable SSLEngine tls,
      int outBytes,
      Wire.Listener listener)
      throws IOException {
    SocketChannel channel = SocketChannel.open();
    channel.configureBlocking(false);
    if (from != null) {
      channel.bind(from);
    }
    channel.socket().setTcpNoDelay(true);
    boolean done = channel.connect(to);
    SelectionKey key =
        channel.register(selector, done ? SelectionKey.OP_READ : SelectionKey.OP_CONNECT);
    Wire wire = new Wire(this, channel, key, tls, outBytes, listener);
    key.attach(wire);
    if (done) {
      wire.connected();
    }
    return wire;
  }

  /**
   * Waits in the kernel up to the given milliseconds (0: not at all), then serves what is ready.
   */
  public boolean serve(long millis) throws IOException {
    int ready = millis > 0 ? selector.select(millis) : selector.selectNow();
    if (ready == 0) {
      return false;
    }
    for (SelectionKey key : selector.selectedKeys()) {
      if (key.isValid()) {
        ((Wire) key.attachment()).ready();
      }
    }
    selector.selectedKeys().clear();
    return true;
  }

  /** As {@link #serve} without waiting; when nothing was ready, rests for some microseconds. */
  void serveOrRest(long nanos) throws IOException {
    if (!serve(0) && nanos > 2_000) {
      LockSupport.parkNanos(nanos);
    }
  }

  @Override
  public void close() throws IOException {
    for (SelectionKey key : selector.keys()) {
      key.channel().close();
    }
    selector.close();
  }
}
