package io.ryegrass.nucleus.lifecycle;

import io.ryegrass.model.BuiltInComponents;
import io.ryegrass.nucleus.ConfigTree;
import java.nio.charset.StandardCharsets;
import java.util.AbstractMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The environment variables of components (v2-ipc.md section 10), as they are when a process
 * starts.
 */
final class ComponentEnvironment {
  private static final int SOCKET_PATH_LIMIT = 107;

  private final ConfigTree config;
  private final Map<String, String> provided = new ConcurrentHashMap<>();

  ComponentEnvironment(ConfigTree config) {
    this.config = config;
  }

  void provide(String variable, String value) {
    provided.put(variable, value);
  }

  /**
   * The proxy's address with {@code username} and {@code password} in it; an address that names a
   * user itself wins (PXY-03).
   */
  private String withUser(String url) {
    String user = proxy("username");
    int slashes = url.indexOf("://");
    if (user.isEmpty() || slashes < 0 || url.indexOf('@') >= 0) {
      return url;
    }
    return url.substring(0, slashes + 3)
        + encoded(user)
        + ":"
        + encoded(proxy("password"))
        + "@"
        + url.substring(slashes + 3);
  }

  private String proxy(String key) {
    return config.nucleus().find("networkProxy", "proxy", key).map(n -> n.asString("")).orElse("");
  }

  private static String encoded(String text) {
    return java.net.URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  /** A live view for one component. */
  Map<String, String> of(String token) {
    return new AbstractMap<>() {
      @Override
      public Set<Entry<String, String>> entrySet() {
        return now(token).entrySet();
      }
    };
  }

  private Map<String, String> now(String token) {
    Map<String, String> e = new LinkedHashMap<>();
    String socket = config.root().resolve("ipc.socket").toString();
    e.put("AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH", socket);
    e.put(
        "AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT",
        socket.getBytes(StandardCharsets.UTF_8).length > SOCKET_PATH_LIMIT
            ? "../../ipc.socket"
            : socket);
    e.put("AWS_IOT_THING_NAME", config.identity().thingName());
    if (!config.nucleus().awsRegion().isEmpty()) {
      e.put("AWS_REGION", config.nucleus().awsRegion());
      e.put("AWS_DEFAULT_REGION", config.nucleus().awsRegion());
    }
    e.put("GGC_VERSION", BuiltInComponents.NUCLEUS_VERSION);
    if (config.identity().cloud()) {
      e.put("GG_ROOT_CA_PATH", config.identity().rootCa().toString());
    }
    config
        .nucleus()
        .find("networkProxy", "proxy", "url")
        .map(n -> n.asString(""))
        .filter(url -> !url.isBlank())
        .ifPresent(
            address -> {
              String url = withUser(address);
              for (String name : new String[] {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"}) {
                e.put(name, url);
                e.put(name.toLowerCase(java.util.Locale.ROOT), url);
              }
              String none =
                  config
                      .nucleus()
                      .find("networkProxy", "noProxyAddresses")
                      .map(n -> n.asString(""))
                      .orElse("");
              e.put("NO_PROXY", none);
              e.put("no_proxy", none);
            });
    e.putAll(provided);
    e.put("SVCUID", token);
    e.put("AWS_CONTAINER_AUTHORIZATION_TOKEN", token);
    return e;
  }
}
