package io.ryegrass.cloudlink;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/** A proxy on a real socket: HTTP CONNECT, plain or within TLS, or SOCKS5; user and password. */
final class TestProxy implements AutoCloseable {
  static final String USER = "ann";
  static final String PASSWORD = "s@cret:1";

  /** Where it was asked to connect to, as it was asked. */
  final List<String> asked = new CopyOnWriteArrayList<>();

  /** What was said before a CONNECT was believed. */
  final List<String> heads = new CopyOnWriteArrayList<>();

  private final ServerSocket listener;
  private final ProxySettings.Kind kind;

  TestProxy(ProxySettings.Kind kind, @Nullable SSLContext tls) throws IOException {
    this.kind = kind;
    this.listener =
        tls == null
            ? new ServerSocket(0, 50, InetAddress.getLoopbackAddress())
            : tls.getServerSocketFactory()
                .createServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Thread.ofVirtual().start(this::accept);
  }

  int port() {
    return listener.getLocalPort();
  }

  /** Address with user and password. */
  String url() {
    return url(USER, PASSWORD);
  }

  String url(String user, String password) {
    return scheme()
        + "://"
        + user
        + ":"
        + java.net.URLEncoder.encode(password, StandardCharsets.UTF_8)
        + "@localhost:"
        + port();
  }

  private String scheme() {
    return kind == ProxySettings.Kind.SOCKS5
        ? "socks5"
        : kind.name().toLowerCase(java.util.Locale.ROOT);
  }

  private void accept() {
    try {
      while (true) {
        Socket client = listener.accept();
        Thread.ofVirtual().start(() -> serve(client));
      }
    } catch (IOException e) {
      asked.add("closed");
    }
  }

  private void serve(Socket client) {
    try (client) {
      Socket far = kind == ProxySettings.Kind.SOCKS5 ? socks(client) : http(client);
      if (far == null) {
        return;
      }
      try (far) {
        Thread up = Thread.ofVirtual().start(() -> copy(client, far));
        copy(far, client);
        client.close();
        up.join();
      }
    } catch (IOException | InterruptedException e) {
      heads.add("ended: " + e);
    }
  }

  private static void copy(Socket from, Socket to) {
    try {
      from.getInputStream().transferTo(to.getOutputStream());
      to.shutdownOutput();
    } catch (IOException e) {
      close(from);
      close(to);
    }
  }

  private static void close(Socket s) {
    try {
      s.close();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private @Nullable Socket http(Socket client) throws IOException {
    String head = ProxyTunnel.head(client.getInputStream(), 10_000);
    heads.add(head);
    OutputStream out = client.getOutputStream();
    String basic =
        Base64.getEncoder()
            .encodeToString((USER + ":" + PASSWORD).getBytes(StandardCharsets.UTF_8));
    if (!head.contains("Proxy-Authorization: Basic " + basic)) {
      out.write(
          "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
              .getBytes(StandardCharsets.US_ASCII));
      return null;
    }
    String target = head.split(" ")[1];
    asked.add(target);
    int colon = target.lastIndexOf(':');
    if (target.startsWith("forbidden")) {
      out.write(
          "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
              .getBytes(StandardCharsets.US_ASCII));
      return null;
    }
    Socket far =
        new Socket(target.substring(0, colon), Integer.parseInt(target.substring(colon + 1)));
    out.write("HTTP/1.1 200 OK\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    return far;
  }

  private @Nullable Socket socks(Socket client) throws IOException {
    InputStream raw = client.getInputStream();
    DataInputStream in = new DataInputStream(raw);
    OutputStream out = client.getOutputStream();
    in.readUnsignedByte();
    in.readFully(new byte[in.readUnsignedByte()]);
    out.write(new byte[] {5, 2});
    in.readUnsignedByte();
    String user = text(in);
    String password = text(in);
    boolean known = user.equals(USER) && password.equals(PASSWORD);
    out.write(new byte[] {1, (byte) (known ? 0 : 1)});
    if (!known) {
      return null;
    }
    in.readFully(new byte[3]);
    int type = in.readUnsignedByte();
    String host =
        type == 3
            ? text(in)
            : InetAddress.getByAddress(in.readNBytes(type == 1 ? 4 : 16)).getHostAddress();
    int port = in.readUnsignedShort();
    asked.add(host + ":" + port);
    if (host.startsWith("forbidden")) {
      out.write(new byte[] {5, 2, 0, 1, 0, 0, 0, 0, 0, 0});
      return null;
    }
    Socket far = new Socket(host, port);
    out.write(new byte[] {5, 0, 0, 1, 127, 0, 0, 1, 0, 0});
    return far;
  }

  private static String text(DataInputStream in) throws IOException {
    byte[] b = new byte[in.readUnsignedByte()];
    in.readFully(b);
    return new String(b, StandardCharsets.UTF_8);
  }

  @Override
  public void close() throws IOException {
    listener.close();
  }
}
