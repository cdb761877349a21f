package io.ryegrass.cloudlink;

import io.ryegrass.nucleus.ArtifactSource;
import io.ryegrass.nucleus.ComponentCatalog;
import io.ryegrass.nucleus.CredentialsSource;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** The HTTPS side of the link: three ports of the nucleus and the data plane's own calls. */
public final class CloudHttps implements AutoCloseable {
  private final DataPlaneClient client;
  private final CloudCatalog catalog;
  private final RoleCredentials credentials;
  private final CloudArtifacts artifacts;

  private CloudHttps(LinkSettings settings, Supplier<CoreTls> tls) {
    this.client = new DataPlaneClient(settings, tls);
    this.catalog = new CloudCatalog(client, settings.identity().thingName());
    this.credentials = new RoleCredentials(client, settings);
    this.artifacts = new CloudArtifacts(client, credentials, settings);
  }

  /** Opens nothing: certificate and connections are first used by the first call. */
  public static CloudHttps of(LinkSettings settings) {
    return new CloudHttps(settings, () -> CoreTls.of(settings.identity()));
  }

  static CloudHttps of(LinkSettings settings, CoreTls tls) {
    return new CloudHttps(settings, () -> tls);
  }

  public ComponentCatalog catalog() {
    return catalog;
  }

  public ArtifactSource artifacts() {
    return artifacts;
  }

  public CredentialsSource credentials() {
    return credentials;
  }

  /** {@link DataPlaneClient#call}. */
  public JsonNode call(String method, String path, @Nullable JsonNode body) {
    return client.call(method, path, body);
  }

  /** Ends all requests; later ones fail. */
  @Override
  public void close() {
    client.close();
  }
}
