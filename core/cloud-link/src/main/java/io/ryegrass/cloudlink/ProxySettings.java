package io.ryegrass.cloudlink;

import io.ryegrass.nucleus.NucleusConfiguration;
import io.ryegrass.nucleus.NucleusException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The parameters {@code networkProxy.*} (PXY-03): which proxy leads to a host, if any. Used for
 * MQTT and for HTTPS.
 *
 * <p>{@code networkProxy.proxy.url} is {@code scheme://[user:password@]host[:port]} with the scheme
 * {@code http} (port 80), {@code https} (443: TLS to the proxy, whose certificate is checked
 * against the root CA file, PXY-05) or, of our own, {@code socks5} (1080). The user in the address
 * counts before {@code username} and {@code password}.
 *
 * @param proxy null when no proxy is configured
 * @param exempt addresses that are reached directly, in lower case: a host, an address, {@code *},
 *     or a domain with everything below it ({@code example.com}, {@code .example.com} and {@code
 *     *.example.com} mean the same for hosts below it)
 */
record ProxySettings(@Nullable Proxy proxy, List<String> exempt) {
  static final ProxySettings NONE = new ProxySettings(null, List.of());

  /** How one talks to a proxy. */
  enum Kind {
    /** HTTP CONNECT over TCP. */
    HTTP(80),
    /** HTTP CONNECT within TLS. */
    HTTPS(443),
    /** RFC 1928, user and password by RFC 1929; the proxy resolves the host's name. */
    SOCKS5(1080);

    private final int port;

    Kind(int port) {
      this.port = port;
    }
  }

  /**
   * One proxy.
   *
   * @param user null without credentials
   * @param password empty when there is none; never in {@link #toString}
   */
  record Proxy(Kind kind, String host, int port, @Nullable String user, String password) {
    /**
     * Value of {@code Proxy-Authorization} (basic, the only scheme of PXY-03); null without user.
     */
    @Nullable String authorization() {
      return user == null
          ? null
          : "Basic "
              + Base64.getEncoder()
                  .encodeToString((user + ":" + password).getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public String toString() {
      return kind.name().toLowerCase(Locale.ROOT) + "://" + host + ":" + port;
    }
  }

  ProxySettings {
    exempt = List.copyOf(exempt);
  }

  /**
   * Reads {@code networkProxy.*}.
   *
   * @throws NucleusException {@code PROXY_INVALID} when the address cannot be used; a core that is
   *     told to use a proxy never goes past it
   */
  static ProxySettings of(NucleusConfiguration n) {
    return parse(
        text(n, "proxy", "url"),
        text(n, "proxy", "username"),
        text(n, "proxy", "password"),
        text(n, "noProxyAddresses"));
  }

  private static String text(NucleusConfiguration n, String... path) {
    String[] whole = new String[path.length + 1];
    whole[0] = "networkProxy";
    System.arraycopy(path, 0, whole, 1, path.length);
    return n.find(whole).map(v -> v.asString("")).orElse("");
  }

  static ProxySettings parse(String url, String user, String password, String noProxyAddresses) {
    if (url.isBlank()) {
      return NONE;
    }
    URI uri;
    try {
      uri = new URI(url.strip());
    } catch (URISyntaxException e) {
      // the exception's text would repeat the address and with it the password
      throw invalid("is not an address", e.getReason());
    }
    Kind kind =
        switch (String.valueOf(uri.getScheme()).toLowerCase(Locale.ROOT)) {
          case "http" -> Kind.HTTP;
          case "https" -> Kind.HTTPS;
          case "socks5", "socks5h" -> Kind.SOCKS5;
          default -> throw invalid("begins with neither http://, https:// nor socks5://", "");
        };
    String host = uri.getHost();
    if (host == null || host.isEmpty()) {
      throw invalid("names no host", "");
    }
    if (uri.getPort() == 0 || uri.getPort() > 65_535) {
      throw invalid("names port " + uri.getPort(), "");
    }
    String own = uri.getUserInfo(); // decoded
    String name = user;
    String secret = password;
    if (own != null && !own.isEmpty()) {
      int colon = own.indexOf(':');
      name = colon < 0 ? own : own.substring(0, colon);
      secret = colon < 0 ? "" : own.substring(colon + 1);
    }
    if (kind == Kind.SOCKS5 && (bytes(name) > 255 || bytes(secret) > 255)) {
      throw invalid("has a user or password of more than 255 bytes, which SOCKS5 cannot carry", "");
    }
    return new ProxySettings(
        new Proxy(
            kind,
            plain(host),
            uri.getPort() < 0 ? kind.port : uri.getPort(),
            name.isEmpty() ? null : name,
            secret),
        Arrays.stream(noProxyAddresses.split(","))
            .map(s -> plain(s.strip().toLowerCase(Locale.ROOT)))
            .filter(s -> !s.isEmpty())
            .toList());
  }

  /** The proxy that leads to a host; empty when it is reached directly. */
  Optional<Proxy> forHost(String host) {
    if (proxy == null) {
      return Optional.empty();
    }
    String wanted = plain(host.toLowerCase(Locale.ROOT));
    return exempt.stream().anyMatch(e -> covers(e, wanted)) ? Optional.empty() : Optional.of(proxy);
  }

  private static boolean covers(String entry, String host) {
    if (entry.equals("*")) {
      return true;
    }
    String domain = entry.startsWith("*.") ? entry.substring(2) : entry;
    domain = domain.startsWith(".") ? domain.substring(1) : domain;
    return host.equals(domain) || host.endsWith("." + domain);
  }

  /** An IPv6 address without its brackets, a name without the dot at its end. */
  private static String plain(String host) {
    String h =
        host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length() - 1) : host;
    return h.endsWith(".") ? h.substring(0, h.length() - 1) : h;
  }

  private static int bytes(String s) {
    return s.getBytes(StandardCharsets.UTF_8).length;
  }

  private static NucleusException invalid(String what, String detail) {
    return new NucleusException(
        "PROXY_INVALID",
        "networkProxy.proxy.url of aws.greengrass.Nucleus "
            + what
            + (detail.isEmpty() ? "" : " (" + detail + ")")
            + "; write it as http://host:port, https://host:port or socks5://host:port");
  }
}
