package io.ryegrass.bench;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;

/**
 * What the process of a function waits for credentials that the core holds already: the address and
 * the token are those of a function that runs, the requests go one after the other.
 */
final class CachedCredentials {
  private static final int WARM_UP = 2_000;
  private static final int MEASURED = 10_000;

  private record Door(URI uri, String token) {}

  private CachedCredentials() {}

  /**
   * @return microseconds of 99 in 100 requests, and of half of them; empty when no function of the
   *     core has the endpoint
   */
  static Optional<long[]> measure(long corePid) throws IOException, InterruptedException {
    Optional<Door> door =
        ProcessHandle.of(corePid).stream()
            .flatMap(ProcessHandle::descendants)
            .flatMap(process -> door(process).stream())
            .findFirst();
    if (door.isEmpty()) {
      return Optional.empty();
    }
    HttpRequest request =
        HttpRequest.newBuilder(door.get().uri())
            .timeout(Duration.ofSeconds(60))
            .header("Authorization", door.get().token())
            .build();
    long[] micros = new long[MEASURED];
    try (HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
      for (int i = -WARM_UP; i < MEASURED; i++) {
        long start = System.nanoTime();
        HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
        if (i >= 0) {
          micros[i] = (System.nanoTime() - start) / 1000;
        }
        if (answer.statusCode() != 200) {
          throw new IOException("the endpoint answers " + answer.statusCode() + answer.body());
        }
      }
    }
    Arrays.sort(micros);
    return Optional.of(new long[] {micros[MEASURED * 99 / 100], micros[MEASURED / 2]});
  }

  private static Optional<Door> door(ProcessHandle process) {
    String uri = "";
    String token = "";
    try {
      String environment =
          Files.readString(
              Path.of("/proc", Long.toString(process.pid()), "environ"),
              StandardCharsets.ISO_8859_1);
      for (String variable : environment.split("\0")) {
        if (variable.startsWith("AWS_CONTAINER_CREDENTIALS_FULL_URI=")) {
          uri = variable.substring(variable.indexOf('=') + 1);
        } else if (variable.startsWith("AWS_CONTAINER_AUTHORIZATION_TOKEN=")) {
          token = variable.substring(variable.indexOf('=') + 1);
        }
      }
    } catch (IOException e) {
      return Optional.empty(); // it ended meanwhile, or belongs to somebody else
    }
    return uri.isEmpty() || token.isEmpty()
        ? Optional.empty()
        : Optional.of(new Door(URI.create(uri), token));
  }
}
