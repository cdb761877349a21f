package io.ryegrass.clientdevices;

import io.ryegrass.model.Json;
import io.ryegrass.nucleus.CloudMessage;
import io.ryegrass.nucleus.CloudMessaging;
import io.ryegrass.nucleus.CloudMessagingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Hears from the classic shadow of {@code <core>-gci} that somebody changed the connectivity
 * information, and reports back once the certificate follows it (v2-deployments reference, section
 * 8; IDT-09, SCY-11). Messages may be lost while the core is away, so the shadow is asked for at
 * the start, when the connection is back and from time to time.
 */
final class ConnectivityNews implements AutoCloseable {
  private static final Duration ASK_AGAIN = Duration.ofMinutes(30);

  private final CloudMessaging cloud;
  private final Logger log;
  private final Runnable onNews;
  private final String shadow;
  private final List<AutoCloseable> subscriptions = new ArrayList<>();

  private volatile String wanted = "";
  private String done = "";
  private boolean asked;
  private long askedAt;

  /**
   * @param onNews called when a version is wanted that is not done
   */
  ConnectivityNews(CloudMessaging cloud, String core, Logger log, Runnable onNews) {
    this.cloud = cloud;
    this.log = log;
    this.onNews = onNews;
    this.shadow = "$aws/things/" + core + "-gci/shadow/";
  }

  /** Listens from the first call on, and asks when an answer may have been missed. */
  void attend() {
    try {
      if (subscriptions.isEmpty()) {
        subscriptions.add(cloud.subscribe(shadow + "update/delta", 1, m -> heard(m, "")));
        subscriptions.add(cloud.subscribe(shadow + "get/accepted", 1, m -> heard(m, "desired")));
      }
      boolean old = System.nanoTime() - askedAt > ASK_AGAIN.toNanos();
      if (!cloud.connected()) {
        asked = false;
      } else if (!asked || old) {
        cloud.publish(shadow + "get", new byte[0], 0);
        asked = true;
        askedAt = System.nanoTime();
      }
    } catch (CloudMessagingException e) {
      log.debug("The shadow of the connectivity information cannot be asked for", e);
    }
  }

  /** The version that the certificate does not follow yet; empty when it follows all. */
  String pending() {
    String version = wanted;
    return version.equals(done) ? "" : version;
  }

  /** Tells the cloud that this version is followed. */
  void done(String version) {
    done = version;
    ObjectNode report = Json.object();
    report.putObject("state").putObject("reported").put("version", version);
    try {
      cloud.publish(shadow + "update", Json.bytes(report), 1);
    } catch (CloudMessagingException e) {
      log.debug("Version {} of the connectivity information is not reported", version, e);
    }
  }

  private void heard(CloudMessage message, String section) {
    try {
      JsonNode state = Json.read(message.payload()).path("state");
      JsonNode holder = section.isEmpty() ? state : state.path(section);
      String version = holder.path("version").asString("");
      if (!version.isEmpty()) {
        wanted = version;
        onNews.run();
      }
    } catch (JacksonException e) {
      log.warn(
          "The shadow of the connectivity information is not JSON: {}",
          new String(message.payload(), StandardCharsets.UTF_8));
    }
  }

  @Override
  public void close() {
    for (AutoCloseable subscription : subscriptions) {
      try {
        subscription.close();
      } catch (Exception e) {
        log.debug("A subscription could not be closed", e);
      }
    }
    subscriptions.clear();
  }
}
