package io.ryegrass.cloudlink;

import io.ryegrass.nucleus.CloudUnavailableException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The JDK's HTTP client knows HTTP proxies only, and no password for those that tunnel. So it is
 * given this one: a proxy on the loopback interface that brings each connection through the real
 * one, whatever kind that is ({@link ProxyTunnel}). It serves this process only: every request must
 * carry a secret that never leaves it. Nothing is opened before {@link #start}; at most {@link
 * #MOST} connections at once, later ones are closed.
 */
final class ProxyRelay implements AutoCloseable {
  static final int MOST = 64;
  private static final Logger LOG = LoggerFactory.getLogger(ProxyRelay.class);
  private static final int MAX_HEAD = 64 << 10;
  private static final int BUFFER = 32 << 10;
  private static final Duration HEAD_LIMIT = Duration.ofSeconds(10);
  private static final Pattern ASKED =
      Pattern.compile(
          "(?:CONNECT |([A-Z]+) http://)(\\[[^]]+]|[^:/ ]+)(?::(\\d{1,5}))?(/\\S*)? .*");

  private final ProxyTunnel tunnel;
  private final ServerSocket listener;
  private final String authorization;
  private final Semaphore room = new Semaphore(MOST);
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private volatile @Nullable String problem;

  private ProxyRelay(ProxyTunnel tunnel, ServerSocket listener) {
    this.tunnel = tunnel;
    this.listener = listener;
    byte[] secret = new byte[16];
    new SecureRandom().nextBytes(secret);
    this.authorization = "Relay " + HexFormat.of().formatHex(secret);
  }

  /** Listens on a free port of the loopback interface. */
  static ProxyRelay start(ProxyTunnel tunnel) {
    try {
      ProxyRelay relay =
          new ProxyRelay(tunnel, new ServerSocket(0, MOST, InetAddress.getLoopbackAddress()));
      Thread.ofVirtual().name("proxy-relay").start(relay::accept);
      return relay;
    } catch (IOException e) {
      throw new CloudUnavailableException(
          "No port of the loopback interface is free for the way to the proxy.", e);
    }
  }

  InetSocketAddress address() {
    return new InetSocketAddress(listener.getInetAddress(), listener.getLocalPort());
  }

  /** What a request must carry as {@code Proxy-Authorization}; only ever sent to this relay. */
  String authorization() {
    return authorization;
  }

  /** Why the last connection did not come about; null when it did. */
  @Nullable String problem() {
    return problem;
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket client = listener.accept();
        if (room.tryAcquire()) {
          Thread.ofVirtual().name("proxy-relay").start(() -> serve(client));
        } else {
          LOG.warn("More than {} connections through the proxy at once; one is closed", MOST);
          client.close();
        }
      } catch (IOException e) {
        LOG.debug("The relay to the proxy: {}", e.getMessage());
      }
    }
  }

  private void serve(Socket client) {
    open.add(client);
    try (client) {
      client.setSoTimeout((int) HEAD_LIMIT.toMillis());
      String head = ProxyTunnel.head(client.getInputStream(), MAX_HEAD);
      Matcher asked = ASKED.matcher(head.lines().findFirst().orElse(""));
      if (!asked.matches() || !authorized(head)) {
        answer(client, "407 Proxy Authentication Required");
        return;
      }
      String method = asked.group(1);
      int port = asked.group(3) == null ? 80 : Integer.parseInt(asked.group(3));
      try (Socket far = tunnel.connect(asked.group(2), port)) {
        open.add(far);
        problem = null;
        client.setSoTimeout(0);
        if (method == null) {
          client.getOutputStream().write(ascii("HTTP/1.1 200 Connection established\r\n\r\n"));
        } else {
          far.getOutputStream().write(ascii(direct(head, method, asked.group(4))));
        }
        join(client, far);
        open.remove(far);
      } catch (ProxyTunnel.Refused e) {
        problem = e.getMessage();
        answer(client, "502 Bad Gateway");
      }
    } catch (IOException e) {
      LOG.debug("A connection through the proxy ended: {}", e.getMessage());
    } finally {
      open.remove(client);
      room.release();
    }
  }

  private boolean authorized(String head) {
    String mine = "proxy-authorization: " + authorization;
    return head.lines()
        .anyMatch(
            l ->
                l.length() == mine.length()
                    && l.substring(0, 20).equalsIgnoreCase(mine.substring(0, 20))
                    && MessageDigest.isEqual(ascii(l.substring(20)), ascii(mine.substring(20))));
  }

  /** The head of a request without TLS as the server itself wants it; one request a connection. */
  private static String direct(String head, String method, @Nullable String path) {
    StringBuilder out = new StringBuilder();
    out.append(method).append(' ').append(path == null ? "/" : path).append(" HTTP/1.1\r\n");
    head.lines()
        .skip(1)
        .filter(l -> !l.isEmpty())
        .filter(l -> !l.regionMatches(true, 0, "proxy-", 0, 6))
        .filter(l -> !l.regionMatches(true, 0, "connection:", 0, 11))
        .forEach(l -> out.append(l).append("\r\n"));
    return out.append("Connection: close\r\n\r\n").toString();
  }

  private static void answer(Socket client, String status) throws IOException {
    client
        .getOutputStream()
        .write(ascii("HTTP/1.1 " + status + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
  }

  /** Copies both ways until both ends have said their last. */
  private static void join(Socket client, Socket far) throws IOException {
    Thread up = Thread.ofVirtual().name("proxy-relay-up").start(() -> copy(client, far));
    copy(far, client);
    client.close(); // whoever reads there hears of it
    try {
      up.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void copy(Socket from, Socket to) {
    byte[] buffer = new byte[BUFFER];
    try {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      int n;
      while ((n = in.read(buffer)) >= 0) {
        out.write(buffer, 0, n);
      }
      to.shutdownOutput();
    } catch (IOException e) {
      LOG.trace("One end of a relayed connection is gone: {}", e.getMessage());
      close(from);
      close(to);
    }
  }

  private static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      LOG.trace("close: {}", e.getMessage());
    }
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  /** Ends all connections. */
  @Override
  public void close() {
    try {
      listener.close();
    } catch (IOException e) {
      LOG.debug("The relay to the proxy: {}", e.getMessage());
    }
    open.forEach(ProxyRelay::close);
  }
}
