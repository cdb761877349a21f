package io.ryegrass.events;

import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Clock;
import java.time.Duration;
import java.util.Set;

/**
 * Posts to one URL. 2xx is taken; 408, 425, 429 and 5xx are tried again, as is silence; any other
 * answer, a redirect among them, refuses the event.
 */
final class WebhookTarget implements EventTarget {
  private static final Duration DEADLINE = Duration.ofSeconds(10);
  private static final Set<Integer> LATER = Set.of(408, 425, 429);

  private final Webhook webhook;
  private final HttpClient http;
  private final Clock clock;

  WebhookTarget(Webhook webhook, HttpClient http, Clock clock) {
    this.webhook = webhook;
    this.http = http;
    this.clock = clock;
  }

  static HttpClient client() {
    return HttpClient.newBuilder()
        .version(HttpClient.Version.HTTP_1_1)
        .followRedirects(HttpClient.Redirect.NEVER)
        .connectTimeout(Duration.ofSeconds(5))
        .build();
  }

  @Override
  public String name() {
    return webhook.url().toString();
  }

  @Override
  public Outcome deliver(String topic, String body) throws InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(webhook.url())
            .timeout(DEADLINE)
            .header("content-type", "application/json")
            .header("user-agent", "ryegrass-events")
            .header(
                WebhookSignature.HEADER,
                WebhookSignature.of(webhook.key(), clock.instant().getEpochSecond(), body))
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
    try {
      int status = http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
      if (status >= 200 && status < 300) {
        return new Outcome.Taken();
      }
      return LATER.contains(status) || status >= 500
          ? new Outcome.Later("answered " + status)
          : new Outcome.Never("answered " + status);
    } catch (IOException e) {
      return new Outcome.Later("could not be reached: " + e);
    }
  }
}
