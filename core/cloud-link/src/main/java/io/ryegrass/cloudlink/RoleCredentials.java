package io.ryegrass.cloudlink;

import io.ryegrass.nucleus.CloudRefusedException;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.CredentialsSource;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.TokenExchangeCredentials;
import java.net.URI;
import java.net.http.HttpRequest;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/**
 * Credentials of the role alias (v2-deployments.md section 13), and of the roles of V1 groups
 * (decision 051). Kept in memory until five minutes before they end; then the next caller fetches
 * new ones, and while the cloud is away the old ones serve to their very end. One fetch at a time,
 * and while old ones serve nobody waits for it. {@link #refreshAhead} makes that nobody has to
 * fetch (LESSON-26).
 */
final class RoleCredentials implements CredentialsSource {
  private static final Logger LOG = LoggerFactory.getLogger(RoleCredentials.class);
  private static final Duration AHEAD = Duration.ofMinutes(5);
  private static final Duration LEAST = Duration.ofSeconds(10);

  /** SDKs ask for new ones from 15 minutes before the end, and find them here. */
  private static final Duration EARLY = Duration.ofMinutes(15);

  /** After a failed fetch old credentials serve without another one. */
  private static final Duration REST = Duration.ofSeconds(70);

  private static final int MOST_GROUPS = 100;

  /**
   * Who gives them.
   *
   * @param name in logs
   * @param url null when there is nobody
   */
  private record Giver(String name, @Nullable String url) {}

  private final DataPlaneClient client;
  private final Giver giver;
  private final String thingName;
  private final Clock clock;
  private final Duration limit;
  private final ReentrantLock fetching = new ReentrantLock();
  private final Map<String, RoleCredentials> groups = new ConcurrentHashMap<>();
  private volatile @Nullable TokenExchangeCredentials current;

  /** Whether they may be of a role that is not the one any more. */
  private volatile boolean doubted;

  private volatile Instant fetchedAt = Instant.EPOCH;
  private volatile Instant restUntil = Instant.EPOCH;

  RoleCredentials(DataPlaneClient client, LinkSettings settings, HttpsSettings https) {
    this(
        client,
        aliasOf(settings),
        settings.identity().thingName(),
        settings.clock(),
        https.credentials());
  }

  private RoleCredentials(
      DataPlaneClient client, Giver giver, String thingName, Clock clock, Duration limit) {
    this.client = client;
    this.giver = giver;
    this.thingName = thingName;
    this.clock = clock;
    this.limit = limit;
  }

  private static Giver aliasOf(LinkSettings settings) {
    String alias = settings.roleAlias();
    return alias == null || alias.isBlank()
        ? new Giver("no role alias", null)
        : new Giver(
            "the role alias " + alias,
            "https://"
                + settings.credentialsEndpoint()
                + "/role-aliases/"
                + CloudCatalog.encoded(alias)
                + "/credentials");
  }

  @Override
  public CredentialsSource ofGroup(String groupId) {
    if (groups.size() >= MOST_GROUPS) {
      groups.clear();
    }
    return groups.computeIfAbsent(
        groupId,
        id ->
            new RoleCredentials(
                client,
                new Giver(
                    "the role of group " + id,
                    client.base()
                        + "/greengrass/groups/"
                        + CloudCatalog.encoded(id)
                        + "/credentials"),
                thingName,
                clock,
                limit));
  }

  @Override
  public void doubtGroups() {
    groups.values().forEach(g -> g.doubted = true);
  }

  @Override
  public TokenExchangeCredentials get() {
    TokenExchangeCredentials held = current;
    if (held != null && usable(held, AHEAD) && !doubted) {
      return held;
    }
    boolean serves = held != null && usable(held, LEAST);
    if (held != null && serves && clock.instant().isBefore(restUntil)) {
      return held;
    }
    if (held != null && serves) {
      if (!fetching.tryLock()) {
        return held;
      }
    } else {
      lock();
    }
    try {
      held = current;
      return held != null && usable(held, AHEAD) && !doubted ? held : fetched();
    } catch (CloudRefusedException e) {
      if (doubted) {
        current = null;
      }
      throw e;
    } catch (CloudUnavailableException e) {
      restUntil = clock.instant().plus(REST);
      if (held != null && usable(held, LEAST)) {
        return held;
      }
      throw e;
    } finally {
      fetching.unlock();
    }
  }

  @Override
  public void refreshAhead() {
    groups.values().forEach(RoleCredentials::refreshAhead);
    TokenExchangeCredentials held = current;
    if (held == null) {
      return;
    }
    Duration half = Duration.between(fetchedAt, held.expiration()).dividedBy(2);
    if (usable(held, half.compareTo(EARLY) < 0 ? half : EARLY) || !fetching.tryLock()) {
      return;
    }
    try {
      var unused = fetched();
    } catch (NucleusException e) {
      restUntil = clock.instant().plus(REST);
      LOG.warn(
          "Credentials of {} end at {} and are not renewed yet: {}",
          giver.name(),
          held.expiration(),
          e.getMessage());
    } finally {
      fetching.unlock();
    }
  }

  private TokenExchangeCredentials fetched() {
    TokenExchangeCredentials fetched = fetch();
    fetchedAt = clock.instant();
    doubted = false;
    current = fetched;
    LOG.info("Credentials of {} are valid until {}", giver.name(), fetched.expiration());
    return fetched;
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
            giver.url() + " has not answered for " + limit.toSeconds() + " s.");
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
    String url = giver.url();
    if (url == null) {
      throw new CloudRefusedException(
          "DEVICE_CONFIG_NOT_VALID_FOR_ARTIFACT_DOWNLOAD",
          "This core has no role alias, so there are no credentials; set iotRoleAlias in"
              + " config.yaml and restart the core.");
    }
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
              giver.name(),
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
