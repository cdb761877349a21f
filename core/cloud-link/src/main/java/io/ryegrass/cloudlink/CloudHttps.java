package io.ryegrass.cloudlink;

import io.ryegrass.nucleus.ArtifactSource;
import io.ryegrass.nucleus.ComponentCatalog;
import io.ryegrass.nucleus.CredentialsSource;
import io.ryegrass.nucleus.NucleusConfiguration;
import io.ryegrass.nucleus.RegistryLogins;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** The HTTPS side of the link: three ports of the nucleus and the data plane's own calls. */
public final class CloudHttps implements AutoCloseable {
  private final DataPlaneClient client;
  private final CloudCatalog catalog;
  private final RoleCredentials credentials;
  private final CloudArtifacts artifacts;
  private final EcrLogins registries;
  private final SecretValues secrets;

  private CloudHttps(LinkSettings link, HttpsSettings settings, Supplier<CoreTls> tls) {
    this.client = new DataPlaneClient(link, settings, tls);
    this.credentials = new RoleCredentials(client, link, settings);
    this.catalog = new CloudCatalog(client, link.identity().thingName(), settings);
    this.artifacts = new CloudArtifacts(client, credentials, link, settings);
    this.secrets =
        new SecretValues(client, credentials, link.region(), link.apiEndpoint(), link.clock());
    this.registries = new EcrLogins(client, credentials, link.clock(), EcrLogins::ofAws);
  }

  /**
   * Opens nothing: certificate, proxy and connections are first used by the first call.
   *
   * @param nucleus for {@code networkProxy}, {@code httpClient}, {@code s3EndpointType} and {@code
   *     credentialEndpointTimeoutMs}
   * @throws io.ryegrass.nucleus.NucleusException when the proxy's address cannot be used
   */
  public static CloudHttps of(LinkSettings link, NucleusConfiguration nucleus) {
    return of(link, HttpsSettings.of(nucleus));
  }

  static CloudHttps of(LinkSettings link, HttpsSettings settings) {
    return new CloudHttps(link, settings, () -> CoreTls.of(link.identity()));
  }

  public ComponentCatalog catalog() {
    return catalog;
  }

  public ArtifactSource artifacts() {
    return artifacts;
  }

  /** Logins of the core's role for private registries of container images. */
  public RegistryLogins registries() {
    return registries;
  }

  /**
   * The cloud's answer to GetSecretValue for the version with a label.
   *
   * @throws io.ryegrass.nucleus.CloudUnavailableException when trying again later may help
   * @throws io.ryegrass.nucleus.CloudRefusedException with the cloud's reason when it does not
   */
  public JsonNode secretValue(String arn, String label) {
    return secrets.get(arn, label);
  }

  public CredentialsSource credentials() {
    return credentials;
  }

  /** {@link DataPlaneClient#call}. */
  public JsonNode call(String method, String path, @Nullable JsonNode body) {
    return client.call(method, path, body);
  }

  /** As {@link #call}, at the data endpoint of AWS IoT: the shadows in the cloud. */
  public JsonNode callData(String method, String path, @Nullable JsonNode body) {
    return client.callData(method, path, body);
  }

  /** Ends all requests; later ones fail. */
  @Override
  public void close() {
    client.close();
  }
}
