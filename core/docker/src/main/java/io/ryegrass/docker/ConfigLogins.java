package io.ryegrass.docker;

import io.ryegrass.model.Json;
import io.ryegrass.nucleus.ImageReference;
import io.ryegrass.nucleus.RegistryLogins;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Logins that the operator has left with {@code docker login}: {@code auths} of {@code config.json}
 * in {@code DOCKER_CONFIG} or {@code ~/.docker}. Read anew for each pull.
 */
final class ConfigLogins implements RegistryLogins {
  private static final Logger LOG = LoggerFactory.getLogger(ConfigLogins.class);

  /** Under which name Docker Hub's login is kept. */
  private static final String HUB = "https://index.docker.io/v1/";

  private final Path file;

  ConfigLogins(Path folder) {
    this.file = folder.resolve("config.json");
  }

  @Override
  public Optional<Login> find(ImageReference image) {
    JsonNode auths;
    try {
      if (!Files.isReadable(file)) {
        return Optional.empty();
      }
      auths = Json.read(Files.readAllBytes(file)).path("auths");
    } catch (IOException | JacksonException e) {
      LOG.warn("The logins in {} cannot be read: {}", file, e.getMessage());
      return Optional.empty();
    }
    String registry = image.registry();
    List<String> names =
        registry.equals("docker.io")
            ? List.of(HUB, "docker.io", "index.docker.io")
            : List.of(registry, "https://" + registry, "https://" + registry + "/");
    for (String name : names) {
      String auth = auths.path(name).path("auth").asString("");
      if (!auth.isEmpty()) {
        return login(name, auth);
      }
    }
    return Optional.empty();
  }

  private Optional<Login> login(String name, String auth) {
    try {
      String text = new String(Base64.getDecoder().decode(auth), StandardCharsets.UTF_8);
      int colon = text.indexOf(':');
      if (colon > 0) {
        return Optional.of(new Login(text.substring(0, colon), text.substring(colon + 1)));
      }
    } catch (IllegalArgumentException e) {
      LOG.debug("auth: {}", e.getMessage());
    }
    LOG.warn("The login for {} in {} is not one; log in again (docker login)", name, file);
    return Optional.empty();
  }
}
