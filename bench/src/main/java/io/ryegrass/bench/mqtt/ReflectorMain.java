package io.ryegrass.bench.mqtt;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;

/**
 * Not a broker but the measure of the load generator: every PUBLISH goes as it came to everybody
 * who ever subscribed to anything. All subscribers read from one ring of bytes, each at its own
 * place; the generator's window keeps what is under way below the ring's size. Argument: the port.
 */
final class ReflectorMain {
  private static final int RING = 32 * 1024 * 1024;

  private final Selector selector = Selector.open();
  private final ByteBuffer ring = ByteBuffer.allocateDirect(RING);
  private final List<Peer> subscribers = new ArrayList<>();
  private long end;

  private ReflectorMain() throws IOException {}

  public static void main(String[] args) throws IOException {
    new ReflectorMain().run(Integer.parseInt(args[0]));
  }

  private void run(int port) throws IOException {
    ServerSocketChannel server = ServerSocketChannel.open();
    server.bind(new InetSocketAddress("127.0.0.1", port));
    server.configureBlocking(false);
    server.register(selector, SelectionKey.OP_ACCEPT);
    while (true) {
      selector.select();
      for (SelectionKey key : selector.selectedKeys()) {
        if (key.isValid() && key.isAcceptable()) {
          accept(server);
        } else if (key.isValid()) {
          ((Peer) key.attachment()).ready(key);
        }
      }
      selector.selectedKeys().clear();
      for (int i = subscribers.size() - 1; i >= 0; i--) {
        subscribers.get(i).pass();
      }
    }
  }

  private void accept(ServerSocketChannel server) throws IOException {
    SocketChannel channel = server.accept();
    if (channel != null) {
      channel.configureBlocking(false);
      channel.socket().setTcpNoDelay(true);
      SelectionKey key = channel.register(selector, SelectionKey.OP_READ);
      key.attach(new Peer(channel, key));
    }
  }

  private void append(ByteBuffer bytes, int from, int length) {
    int at = (int) (end % RING);
    int first = Math.min(length, RING - at);
    ring.put(at, bytes, from, first);
    ring.put(0, bytes, from + first, length - first);
    end += length;
  }

  private final class Peer {
    private final SocketChannel channel;
    private final SelectionKey key;
    private final ByteBuffer in = ByteBuffer.allocateDirect(256 * 1024);
    private final ByteBuffer answers = ByteBuffer.allocateDirect(64 * 1024);
    private long sent = -1;

    Peer(SocketChannel channel, SelectionKey key) {
      this.channel = channel;
      this.key = key;
    }

    void ready(SelectionKey ready) {
      try {
        if (ready.isReadable()) {
          if (channel.read(in) < 0) {
            leave();
            return;
          }
          in.flip();
          packets();
          in.compact();
          channel.write(answers.flip());
          answers.compact();
        }
      } catch (IOException e) {
        leave();
      }
    }

    void pass() {
      if (sent >= end) {
        return;
      }
      try {
        while (sent < end) {
          int at = (int) (sent % RING);
          int length = (int) Math.min(end - sent, RING - at);
          int n = channel.write(ring.slice(at, length));
          sent += n;
          if (n < length) {
            break;
          }
        }
        key.interestOps(SelectionKey.OP_READ | (sent < end ? SelectionKey.OP_WRITE : 0));
      } catch (IOException e) {
        leave();
      }
    }

    private void leave() {
      subscribers.remove(this);
      try {
        channel.close();
      } catch (IOException e) {
        key.cancel();
      }
    }

    private void packets() {
      while (in.remaining() >= 2) {
        int start = in.position();
        int length = 0;
        int at = start + 1;
        int digit = 0x80;
        for (int shift = 0; digit >= 0x80 && at < in.limit(); shift += 7) {
          digit = in.get(at++) & 0xFF;
          length |= (digit & 0x7F) << shift;
        }
        if (digit >= 0x80 || in.limit() - at < length) {
          return;
        }
        packet(in.get(start) & 0xFF, start, at, at + length);
        in.position(at + length);
      }
    }

    private void packet(int first, int start, int body, int limit) {
      switch (first >> 4) {
        case 1 -> answers.putInt(0x20020000);
        case 8 -> {
          answers.putShort((short) 0x9003).putShort(in.getShort(body)).put((byte) 1);
          sent = end;
          subscribers.add(this);
        }
        case Packets.PUBLISH -> {
          if ((first & 6) != 0) {
            int id = in.getShort(body + 2 + in.getShort(body)) & 0xFFFF;
            answers.putInt(0x40020000 | id);
          }
          append(in, start, limit - start);
        }
        default -> {
          // Acknowledgements and goodbyes change nothing here.
        }
      }
    }
  }
}
