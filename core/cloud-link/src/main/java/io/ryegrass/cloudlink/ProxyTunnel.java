package io.ryegrass.cloudlink;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.function.Supplier;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * Connections through a proxy (PXY-03): HTTP CONNECT (RFC 9110 section 9.3.6) over TCP or within
 * TLS, or SOCKS5 (RFC 1928, password by RFC 1929). The proxy resolves the host's name.
 */
final class ProxyTunnel {
  private static final int MAX_ANSWER = 16 << 10;

  /** The proxy cannot be used, or does not want to; the message is for people. */
  static final class Refused extends IOException {
    Refused(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  private final ProxySettings.Proxy proxy;
  private final Supplier<SSLSocketFactory> tls;
  private final Duration connect;
  private final Duration answer;

  /**
   * @param tls whom a proxy of kind HTTPS has to be
   * @param connect until the TCP connection to the proxy stands
   * @param answer until the proxy has said yes or no
   */
  ProxyTunnel(
      ProxySettings.Proxy proxy,
      Supplier<SSLSocketFactory> tls,
      Duration connect,
      Duration answer) {
    this.proxy = proxy;
    this.tls = tls;
    this.connect = connect;
    this.answer = answer;
  }

  /**
   * A connection to the host's port, with nothing read or written beyond the tunnel's own words.
   */
  Socket connect(String host, int port) throws Refused {
    Socket socket = new Socket();
    boolean done = false;
    try {
      socket.connect(new InetSocketAddress(proxy.host(), proxy.port()), (int) connect.toMillis());
      socket.setSoTimeout((int) answer.toMillis());
      socket.setTcpNoDelay(true);
      Socket through = proxy.kind() == ProxySettings.Kind.HTTPS ? secured(socket) : socket;
      if (proxy.kind() == ProxySettings.Kind.SOCKS5) {
        socks(through, host, port);
      } else {
        http(through, host, port);
      }
      through.setSoTimeout(0);
      done = true;
      return through;
    } catch (Refused e) {
      throw e;
    } catch (IOException e) {
      throw new Refused(
          "The proxy "
              + proxy
              + " cannot be used ("
              + why(e)
              + "); check networkProxy of aws.greengrass.Nucleus.",
          e);
    } finally {
      if (!done) {
        abandon(socket);
      }
    }
  }

  private static void abandon(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static String why(IOException e) {
    return switch (e) {
      case java.net.UnknownHostException _ -> "its name is unknown";
      case ConnectException _ -> "nothing answers there";
      case SocketTimeoutException _ -> "it does not answer in time";
      case SSLException s -> "TLS failed: " + s.getMessage();
      case EOFException _ -> "it closed the connection";
      default -> String.valueOf(e.getMessage());
    };
  }

  private Socket secured(Socket plain) throws IOException {
    SSLSocket s = (SSLSocket) tls.get().createSocket(plain, proxy.host(), proxy.port(), true);
    SSLParameters parameters = s.getSSLParameters();
    parameters.setEndpointIdentificationAlgorithm("HTTPS");
    s.setSSLParameters(parameters);
    s.startHandshake();
    return s;
  }

  private void http(Socket through, String host, int port) throws IOException {
    String target = host + ":" + port;
    StringBuilder request = new StringBuilder();
    request.append("CONNECT ").append(target).append(" HTTP/1.1\r\nHost: ").append(target);
    String authorization = proxy.authorization();
    if (authorization != null) {
      request.append("\r\nProxy-Authorization: ").append(authorization);
    }
    request.append("\r\n\r\n");
    through.getOutputStream().write(request.toString().getBytes(StandardCharsets.ISO_8859_1));
    String first = head(through.getInputStream(), MAX_ANSWER).lines().findFirst().orElse("");
    String[] parts = first.split(" ", 3);
    if (parts.length < 2 || !parts[0].startsWith("HTTP/1.")) {
      throw new IOException("it does not speak HTTP");
    }
    if (parts[1].equals("407")) {
      throw refused(target, "user and password are missing or wrong");
    }
    if (!parts[1].startsWith("2")) {
      throw refused(target, first.substring(first.indexOf(' ') + 1));
    }
  }

  private Refused refused(String target, String why) {
    return new Refused(
        "The proxy "
            + proxy
            + " does not connect to "
            + target
            + " ("
            + why
            + "); allow it there, or correct networkProxy of aws.greengrass.Nucleus.",
        null);
  }

  private void socks(Socket through, String host, int port) throws IOException {
    OutputStream out = through.getOutputStream();
    DataInputStream in = new DataInputStream(through.getInputStream());
    String user = proxy.user();
    out.write(user == null ? new byte[] {5, 1, 0} : new byte[] {5, 2, 0, 2});
    if (in.readUnsignedByte() != 5) {
      throw new IOException("it does not speak SOCKS5");
    }
    String target = host + ":" + port;
    switch (in.readUnsignedByte()) {
      case 0 -> {}
      case 2 -> {
        if (user == null) {
          throw refused(target, "it wants user and password");
        }
        ByteArrayOutputStream words = new ByteArrayOutputStream();
        words.write(1);
        word(words, user.getBytes(StandardCharsets.UTF_8));
        word(words, proxy.password().getBytes(StandardCharsets.UTF_8));
        out.write(words.toByteArray());
        in.readUnsignedByte();
        if (in.readUnsignedByte() != 0) {
          throw refused(target, "user and password are wrong");
        }
      }
      default -> throw refused(target, "user and password are missing or wrong");
    }
    ByteArrayOutputStream request = new ByteArrayOutputStream();
    request.writeBytes(new byte[] {5, 1, 0});
    address(request, host);
    request.write(port >> 8);
    request.write(port);
    out.write(request.toByteArray());
    in.readUnsignedByte();
    int reply = in.readUnsignedByte();
    if (reply != 0) {
      throw refused(target, SOCKS_REPLIES[Math.min(reply, SOCKS_REPLIES.length - 1)]);
    }
    in.readUnsignedByte();
    int bound =
        switch (in.readUnsignedByte()) {
          case 1 -> 4;
          case 3 -> in.readUnsignedByte();
          case 4 -> 16;
          default -> throw new IOException("it does not speak SOCKS5");
        };
    in.readFully(new byte[bound + 2]);
  }

  private static final String[] SOCKS_REPLIES = {
    "",
    "it failed",
    "its rules do not allow it",
    "the network cannot be reached",
    "the host cannot be reached",
    "nothing answers there",
    "the way is too long",
    "it does not know the command",
    "it does not know the kind of address",
    "for a reason it does not tell"
  };

  private static void word(ByteArrayOutputStream out, byte[] text) {
    out.write(text.length);
    out.writeBytes(text);
  }

  /** A literal address as such, everything else as a name. */
  private static void address(ByteArrayOutputStream out, String host) throws IOException {
    String plain = host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
    if (plain.indexOf(':') >= 0 || plain.matches("\\d{1,3}(\\.\\d{1,3}){3}")) {
      byte[] literal = InetAddress.ofLiteral(plain).getAddress();
      out.write(literal.length == 4 ? 1 : 4);
      out.writeBytes(literal);
    } else {
      byte[] name = plain.getBytes(StandardCharsets.US_ASCII);
      if (name.length > 255) {
        throw new IOException("the host's name is too long for SOCKS5");
      }
      out.write(3);
      word(out, name);
    }
  }

  /** Everything up to and with the empty line, and not one byte more. */
  static String head(InputStream in, int most) throws IOException {
    ByteArrayOutputStream head = new ByteArrayOutputStream();
    int ending = 0;
    while (ending < 4) {
      int b = in.read();
      if (b < 0) {
        throw new EOFException();
      }
      head.write(b);
      ending = b == (ending % 2 == 0 ? '\r' : '\n') ? ending + 1 : b == '\r' ? 1 : 0;
      if (head.size() > most) {
        throw new IOException("its answer has no end");
      }
    }
    return head.toString(StandardCharsets.ISO_8859_1);
  }
}
