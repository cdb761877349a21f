package io.ryegrass.cloudlink;

import io.ryegrass.nucleus.CloudRefusedException;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.CredentialsSource;
import io.ryegrass.nucleus.TokenExchangeCredentials;
import java.net.URI;
import java.net.http.HttpRequest;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/**
 * Credentials of the role alias (v2-deployments.md section 13). Kept in memory until five minutes
 * before they end; then the next caller fetches new ones, and while the cloud is away the old ones
 * serve to their very end. One fetch at a time.
 */
final class RoleCredentials implements CredentialsSource {
  private static final Logger LOG = LoggerFactory.getLogger(RoleCredentials.class);
  private static final Duration AHEAD = Duration.ofMinutes(5);
  private static final Duration LEAST = Duration.ofSeconds(10);

  private final DataPlaneClient client;
  private final @Nullable String roleAlias;
  private final String endpoint;
  private final String thingName;
  private final Clock clock;
  private final Duration limit;
  private final ReentrantLock fetching = new ReentrantLock();
  private volatile @Nullable TokenExchangeCredentials current;

  RoleCredentials(DataPlaneClient client, LinkSettings settings, HttpsSettings https) {
    this.client = client;
    this.roleAlias = settings.roleAlias();
    this.endpoint = settings.credentialsEndpoint();
    this.thingName = settings.identity().thingName();
    this.clock = settings.clock();
    this.limit = https.credentials();
  }

  @Override
  public TokenExchangeCredentials get() {
    TokenExchangeCredentials held = current;
    if (held != null && usable(held, AHEAD)) {
      return held;
    }
    lock();
    try {
      held = current;
      if (held != null && usable(held, AHEAD)) {
        return held;
      }
      TokenExchangeCredentials fetched = fetch();
      current = fetched;
      LOG.info(
          "Credentials of the role alias {} are valid until {}", roleAlias, fetched.expiration());
      return fetched;
    } catch (CloudUnavailableException e) {
      if (held != null && usable(held, LEAST)) {
        return held;
      }
      throw e;
    } finally {
      fetching.unlock();
    }
  }

  /** A store says that these credentials are no longer good. */
  void forget(TokenExchangeCredentials expired) {
    if (expired.equals(current)) {
      current = null;
    }
  }

  private void lock() {
    try {
      if (!fetching.tryLock(limit.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new CloudUnavailableException(
            "The credentials endpoint "
                + endpoint
                + " has not answered for "
                + limit.toSeconds()
                + " s.");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CloudUnavailableException("The wait for credentials was interrupted.", e);
    }
  }

  private boolean usable(TokenExchangeCredentials c, Duration margin) {
    return clock.instant().plus(margin).isBefore(c.expiration());
  }

  private TokenExchangeCredentials fetch() {
    String alias = roleAlias;
    if (alias == null || alias.isBlank()) {
      throw new CloudRefusedException(
          "DEVICE_CONFIG_NOT_VALID_FOR_ARTIFACT_DOWNLOAD",
          "This core has no role alias, so there are no credentials; set iotRoleAlias in"
              + " config.yaml and restart the core.");
    }
    String url =
        "https://" + endpoint + "/role-aliases/" + CloudCatalog.encoded(alias) + "/credentials";
    String what = "GET " + url;
    JsonNode body =
        DataPlaneClient.json(
                what,
                client.exchange(
                    what,
                    DataPlaneClient.Trust.CLOUD,
                    HttpRequest.newBuilder(URI.create(url))
                        .header("x-amzn-iot-thingname", thingName),
                    limit))
            .path("credentials");
    try {
      TokenExchangeCredentials c =
          new TokenExchangeCredentials(
              body.path("accessKeyId").asString(""),
              body.path("secretAccessKey").asString(""),
              body.path("sessionToken").asString(""),
              Instant.parse(body.path("expiration").asString("")));
      if (!c.accessKeyId().isEmpty() && !c.secretAccessKey().isEmpty()) {
        if (!usable(c, LEAST)) {
          LOG.warn(
              "The credentials of {} ended at {} already; check this device's clock",
              alias,
              c.expiration());
        }
        return c;
      }
    } catch (DateTimeException e) {
      LOG.debug("Expiration of the credentials: {}", e.getMessage());
    }
    throw new CloudRefusedException(
        "CREDENTIAL_ENDPOINT_SERVER_ERROR",
        what + " gave no credentials; check iotCredEndpoint in config.yaml.");
  }
}
