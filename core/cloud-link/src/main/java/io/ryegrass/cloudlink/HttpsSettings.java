package io.ryegrass.cloudlink;

import io.ryegrass.nucleus.NucleusConfiguration;
import java.time.Duration;
import java.util.Locale;
import tools.jackson.databind.JsonNode;

/**
 * How the HTTPS half of the link connects (v2-recipes-config.md section 7); read once at start.
 *
 * @param proxy of {@code networkProxy.*}
 * @param connect {@code httpClient.connectionTimeoutMs}: until the TCP connection stands
 * @param idle {@code httpClient.socketTimeoutMs}: how long an answer, or the next part of a body,
 *     may keep a caller waiting
 * @param credentials {@code credentialEndpointTimeoutMs}: for one answer of the credentials
 *     endpoint
 */
record HttpsSettings(
    ProxySettings proxy, Duration connect, Duration idle, Duration credentials, S3Endpoint s3) {

  /** The parameter {@code s3EndpointType}: which of S3's hosts of a region is asked. */
  enum S3Endpoint {
    /** The host without a region where there is one, which is in us-east-1. */
    GLOBAL,
    REGIONAL,
    /** Reached by IPv4 and IPv6. */
    DUALSTACK;

    /** Path style goes to this host. */
    String host(String region) {
      String suffix = region.startsWith("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com";
      return switch (this) {
        case GLOBAL -> region.equals("us-east-1") ? "s3.amazonaws.com" : "s3." + region + suffix;
        case REGIONAL -> "s3." + region + suffix;
        case DUALSTACK -> "s3.dualstack." + region + suffix;
      };
    }

    /** For the data plane, which knows two kinds (section 7.2). */
    String forDataPlane() {
      return this == GLOBAL ? "GLOBAL" : "REGIONAL";
    }
  }

  /** What counts without configuration. */
  static final HttpsSettings DEFAULT =
      new HttpsSettings(
          ProxySettings.NONE,
          Duration.ofMillis(2_000),
          Duration.ofMillis(30_000),
          Duration.ofMillis(60_000),
          S3Endpoint.GLOBAL);

  /**
   * @throws io.ryegrass.nucleus.NucleusException when the proxy's address cannot be used
   */
  static HttpsSettings of(NucleusConfiguration n) {
    return new HttpsSettings(
        ProxySettings.of(n),
        millis(n, DEFAULT.connect(), "httpClient", "connectionTimeoutMs"),
        millis(n, DEFAULT.idle(), "httpClient", "socketTimeoutMs"),
        millis(n, DEFAULT.credentials(), "credentialEndpointTimeoutMs"),
        s3(n.find("s3EndpointType").map(v -> v.asString("")).orElse("")));
  }

  /** A word that is none of the three does not count; NucleusParameters has told so. */
  private static S3Endpoint s3(String word) {
    for (S3Endpoint e : S3Endpoint.values()) {
      if (e.name().equals(word.toUpperCase(Locale.ROOT))) {
        return e;
      }
    }
    return S3Endpoint.GLOBAL;
  }

  /** At least 100 ms and at most an hour, so that every wait ends. */
  private static Duration millis(NucleusConfiguration n, Duration unset, String... path) {
    long value =
        n.find(path)
            .filter(v -> v.isNumber() || v.isString())
            .map((JsonNode v) -> v.asLong(unset.toMillis()))
            .orElse(unset.toMillis());
    return Duration.ofMillis(value < 1 ? unset.toMillis() : Math.clamp(value, 100, 3_600_000));
  }
}
