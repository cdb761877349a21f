package io.ryegrass.cli.device;

import io.ryegrass.cli.device.Doctor.Finding;
import io.ryegrass.cli.device.Doctor.Status;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/** The way to the cloud: proxy, DNS, TCP and TLS with the core's own certificate. */
final class NetworkChecks {
  private static final int TIMEOUT_MS = 5_000;

  private final List<X509Certificate> own;
  private final @Nullable PrivateKey key;
  private final List<X509Certificate> authorities;
  private final String proxy;
  private @Nullable Instant cloudTime;

  NetworkChecks(
      List<X509Certificate> own,
      @Nullable PrivateKey key,
      List<X509Certificate> authorities,
      String proxy) {
    this.own = own;
    this.key = key;
    this.authorities = authorities;
    this.proxy = proxy;
  }

  /** The time that an endpoint told; null when none did. */
  @Nullable Instant cloudTime() {
    return cloudTime;
  }

  Finding proxy() {
    try {
      InetSocketAddress address = proxyAddress();
      connect(address).close();
      return new Finding("proxy", Status.OK, proxy + " answers", "");
    } catch (IOException | IllegalArgumentException e) {
      return new Finding(
          "proxy",
          Status.FAIL,
          proxy + " does not answer: " + e.getMessage(),
          "correct networkProxy.proxy.url of aws.greengrass.Nucleus, or start the proxy");
    }
  }

  private InetSocketAddress proxyAddress() {
    URI uri = URI.create(proxy);
    String host = uri.getHost();
    if (host == null) {
      throw new IllegalArgumentException("it is no URL with a host");
    }
    int port =
        uri.getPort() > 0
            ? uri.getPort()
            : switch (String.valueOf(uri.getScheme())) {
              case "https" -> 443;
              case "socks5" -> 1080;
              default -> 80;
            };
    return new InetSocketAddress(host, port);
  }

  /** DNS, then TCP, then TLS; the first that fails is the last that is told. */
  List<Finding> endpoint(String name, String host, int port) {
    List<Finding> found = new ArrayList<>();
    String where = host + ":" + port;
    if (!proxy.isEmpty()) {
      found.add(new Finding(name, Status.SKIP, where + " is reached through the proxy", ""));
      return found;
    }
    try {
      InetAddress address = InetAddress.getByName(host);
      found.add(
          new Finding("DNS " + name, Status.OK, host + " is " + address.getHostAddress(), ""));
    } catch (UnknownHostException e) {
      found.add(
          new Finding(
              "DNS " + name,
              Status.FAIL,
              host + " is not known",
              "check /etc/resolv.conf and the network; is the name in config/config.yaml right?"));
      return found;
    }
    try (Socket socket = connect(new InetSocketAddress(host, port))) {
      found.add(tls(name, host, port, socket));
    } catch (SocketTimeoutException e) {
      found.add(
          new Finding(
              name,
              Status.FAIL,
              where + " does not answer within " + TIMEOUT_MS / 1000 + " s",
              "a firewall drops the packets: open port " + port + " towards the cloud"));
    } catch (ConnectException e) {
      found.add(
          new Finding(
              name,
              Status.FAIL,
              where + " refuses connections",
              "is the cloud running, and is the port right?"));
    } catch (IOException e) {
      found.add(
          new Finding(
              name, Status.FAIL, where + ": " + e.getMessage(), "check the network of this host"));
    }
    return found;
  }

  private static Socket connect(InetSocketAddress address) throws IOException {
    Socket socket = new Socket();
    try {
      socket.connect(address, TIMEOUT_MS);
      socket.setSoTimeout(TIMEOUT_MS);
      return socket;
    } catch (IOException e) {
      socket.close();
      throw e;
    }
  }

  private Finding tls(String name, String host, int port, Socket socket) {
    PrivateKey privateKey = key;
    if (own.isEmpty() || privateKey == null || authorities.isEmpty()) {
      return new Finding(
          name, Status.SKIP, "no TLS without certificate, key and root CA", "see above");
    }
    try {
      SSLSocket tls =
          (SSLSocket) context(privateKey).getSocketFactory().createSocket(socket, host, port, true);
      SSLParameters parameters = tls.getSSLParameters();
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
      tls.setSSLParameters(parameters);
      tls.startHandshake();
      if (!name.startsWith("MQTT")) {
        askTime(tls, host);
      }
      return new Finding(
          name, Status.OK, host + ":" + port + ", " + tls.getSession().getProtocol(), "");
    } catch (SSLException e) {
      return new Finding(
          name,
          Status.FAIL,
          "TLS with " + host + ":" + port + " failed: " + e.getMessage(),
          "the root CA must be the one of this cloud, the certificate active, and the clock right");
    } catch (IOException | GeneralSecurityException e) {
      return new Finding(
          name,
          Status.FAIL,
          "TLS with " + host + ":" + port + " failed: " + e,
          "is the certificate active and attached to a policy in the cloud?");
    }
  }

  private SSLContext context(PrivateKey privateKey) throws GeneralSecurityException, IOException {
    KeyStore keys = KeyStore.getInstance("PKCS12");
    keys.load(null, null);
    keys.setKeyEntry("core", privateKey, new char[0], own.toArray(Certificate[]::new));
    KeyManagerFactory keyManagers =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keyManagers.init(keys, new char[0]);
    KeyStore trust = KeyStore.getInstance("PKCS12");
    trust.load(null, null);
    for (int i = 0; i < authorities.size(); i++) {
      trust.setCertificateEntry("ca" + i, authorities.get(i));
    }
    TrustManagerFactory trustManagers =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trustManagers.init(trust);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keyManagers.getKeyManagers(), trustManagers.getTrustManagers(), null);
    return context;
  }

  /** Any answer will do: its Date is what counts. */
  private void askTime(SSLSocket tls, String host) {
    try {
      tls.getOutputStream()
          .write(
              ("HEAD / HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
                  .getBytes(StandardCharsets.US_ASCII));
      BufferedReader in =
          new BufferedReader(
              new InputStreamReader(tls.getInputStream(), StandardCharsets.ISO_8859_1));
      String line;
      while ((line = in.readLine()) != null && !line.isEmpty()) {
        if (line.toLowerCase(Locale.ROOT).startsWith("date:")) {
          cloudTime =
              ZonedDateTime.parse(line.substring(5).strip(), DateTimeFormatter.RFC_1123_DATE_TIME)
                  .toInstant();
        }
      }
    } catch (IOException | DateTimeException e) {
      // an endpoint that tells no time is no finding
      cloudTime = null;
    }
  }
}
