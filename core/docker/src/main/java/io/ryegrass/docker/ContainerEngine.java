package io.ryegrass.docker;

import io.ryegrass.model.Json;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.ImageReference;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.RegistryLogins.Login;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * The engine's API as far as images need it (Docker Engine API 1.24 and later, Podman's compatible
 * service). Every call ends: when the engine is silent for too long, its connection is closed.
 */
final class ContainerEngine {
  static final String USUAL = "unix:///var/run/docker.sock";
  private static final int MAX_ANSWER = 4 << 20;

  /** What registries say when the network between them and the engine is to blame. */
  private static final List<String> MAY_PASS =
      List.of(
          "dial tcp",
          "i/o timeout",
          "no such host",
          "tls handshake timeout",
          "connection reset",
          "connection refused",
          "server misbehaving",
          "client.timeout",
          "unexpected eof",
          "request canceled",
          "temporary failure",
          "toomanyrequests",
          "too many requests",
          "http status: 5");

  private final String host;
  private final Duration quick;
  private final Duration pulling;

  /**
   * @param host {@code unix:///path} or {@code tcp://host:port}
   * @param quick how long the engine may be silent in a call that only asks
   * @param pulling how long it may be silent while it pulls
   */
  ContainerEngine(String host, Duration quick, Duration pulling) {
    this.host = host;
    this.quick = quick;
    this.pulling = pulling;
  }

  /** The engine that {@code DOCKER_HOST} names, or the usual one. */
  static ContainerEngine of(@Nullable String dockerHost) {
    return new ContainerEngine(
        dockerHost == null || dockerHost.isBlank() ? USUAL : dockerHost.strip(),
        Duration.ofSeconds(60),
        Duration.ofMinutes(5));
  }

  String host() {
    return host;
  }

  private record Answer(int status, String body) {
    /** The engine's own words. */
    String message() {
      try {
        String m = Json.read(body).path("message").asString("");
        return m.isEmpty() ? String.valueOf(status) : m;
      } catch (JacksonException e) {
        return status + " " + body.strip();
      }
    }
  }

  private EngineConnection connect(Duration idle) {
    if (!EngineConnection.isValid(host)) {
      throw new NucleusException(
          "DOCKER_SERVICE_UNAVAILABLE",
          "DOCKER_HOST is "
              + host
              + ", which this core cannot use; write unix:///path or tcp://host:port.");
    }
    try {
      return EngineConnection.open(host, idle);
    } catch (IOException e) {
      throw EngineConnection.unreachable(host, e);
    }
  }

  private Answer call(String method, String target) {
    try (EngineConnection c = connect(quick)) {
      try {
        EngineConnection.Answer a = c.send(method, target, new byte[0]);
        return new Answer(
            a.status(), new String(a.body().readNBytes(MAX_ANSWER), StandardCharsets.UTF_8));
      } catch (IOException e) {
        throw lost(c, method + " " + target, e);
      }
    } catch (IOException e) {
      throw EngineConnection.unreachable(host, e);
    }
  }

  private NucleusException lost(EngineConnection c, String what, IOException e) {
    if (Thread.currentThread().isInterrupted()) {
      return new CloudUnavailableException(what + " was interrupted.", e);
    }
    return new NucleusException(
        "DOCKER_SERVICE_UNAVAILABLE",
        "The container engine at "
            + host
            + (c.stalled() ? " does not answer to " : " broke off ")
            + what
            + " ("
            + e.getMessage()
            + "); look at the engine's log.",
        e);
  }

  /** The engine's version, for people. */
  String version() {
    Answer a = call("GET", "/version");
    try {
      JsonNode v = Json.read(a.body());
      return v.path("Version").asString("?") + ", API " + v.path("ApiVersion").asString("?");
    } catch (JacksonException e) {
      throw new NucleusException(
          "DOCKER_SERVICE_UNAVAILABLE", "What answers at " + host + " is no container engine.", e);
    }
  }

  /** Whether the engine has an image of that name. */
  boolean has(ImageReference image) {
    Answer a = call("GET", "/images/" + image.text() + "/json");
    return switch (a.status()) {
      case 200 -> true;
      case 404 -> false;
      default ->
          throw new NucleusException(
              "DOCKER_IMAGE_QUERY_ERROR",
              "The container engine does not tell whether it has "
                  + image.text()
                  + ": "
                  + a.message());
    };
  }

  /**
   * Brings an image from its registry; returns when the engine has it.
   *
   * @throws CloudUnavailableException when the network, or the registry for now, is to blame
   */
  void pull(ImageReference image, @Nullable Login login) {
    String target =
        "/images/create?fromImage="
            + query(image.name())
            + "&tag="
            + query(image.digest().isEmpty() ? image.tag() : image.digest());
    String[] headers =
        login == null ? new String[0] : new String[] {"X-Registry-Auth", auth(image, login)};
    try (EngineConnection c = connect(pulling)) {
      try {
        EngineConnection.Answer a = c.send("POST", target, new byte[0], headers);
        if (a.status() != 200) {
          String body = new String(a.body().readNBytes(MAX_ANSWER), StandardCharsets.UTF_8);
          throw refusal(image, new Answer(a.status(), body).message());
        }
        follow(image, a);
      } catch (IOException e) {
        throw lost(c, "the pull of " + image.text(), e);
      }
    } catch (IOException e) {
      throw EngineConnection.unreachable(host, e);
    }
  }

  /** The engine tells its progress in lines, and an error in one of them. */
  private static void follow(ImageReference image, EngineConnection.Answer a) throws IOException {
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(a.body(), StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      if (line.isBlank()) {
        continue;
      }
      try {
        JsonNode told = Json.read(line);
        String error = told.path("error").asString("");
        if (!error.isEmpty()) {
          throw refusal(image, error);
        }
      } catch (JacksonException e) {
        throw new IOException("its progress cannot be read", e);
      }
    }
  }

  static NucleusException refusal(ImageReference image, String words) {
    String lower = words.toLowerCase(Locale.ROOT);
    String sentence = "Image " + image.text() + " cannot be pulled: " + words;
    if (MAY_PASS.stream().anyMatch(lower::contains)) {
      return new CloudUnavailableException(sentence);
    }
    if (lower.contains("unauthorized")
        || lower.contains("no basic auth")
        || lower.contains("authentication required")
        || lower.contains("authorization token has expired")) {
      return new NucleusException(
          "DOCKER_LOGIN_ERROR",
          sentence
              + "; put a login for "
              + image.registry()
              + " into the config.json of the core's user (docker login).");
    }
    if (lower.contains("not found")
        || lower.contains("manifest unknown")
        || lower.contains("does not exist")
        || lower.contains("no matching manifest")
        || lower.contains("invalid reference")
        || lower.contains("name unknown")) {
      return new NucleusException(
          "DOCKER_IMAGE_NOT_VALID", sentence + "; correct the image's name in the recipe.");
    }
    return new NucleusException("DOCKER_PULL_ERROR", sentence);
  }

  /** What became of a removal. */
  enum Removal {
    GONE,
    IN_USE
  }

  Removal remove(ImageReference image) {
    Answer a = call("DELETE", "/images/" + image.text());
    return switch (a.status()) {
      case 200, 404 -> Removal.GONE;
      case 409 -> Removal.IN_USE;
      default ->
          throw new NucleusException(
              "DOCKER_ERROR", "Image " + image.text() + " cannot be removed: " + a.message());
    };
  }

  private static String auth(ImageReference image, Login login) {
    return Base64.getUrlEncoder()
        .encodeToString(
            Json.bytes(
                Json.object()
                    .put("username", login.user())
                    .put("password", login.password())
                    .put("serveraddress", image.registry())));
  }

  private static String query(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }
}
