package io.ryegrass.v1;

import io.ryegrass.clientdevices.ServerCertificateSource;
import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.DurableFiles;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The local broker's certificate as the cloud gives it, also at V1's place (DIR-13). */
final class CopiedCertificates implements ServerCertificateSource {
  private static final Logger LOG = LoggerFactory.getLogger(CopiedCertificates.class);
  private final ServerCertificateSource cloud;
  private final Path folder;
  private final Path copy;

  /**
   * @param folder {@code var/state/server}
   */
  CopiedCertificates(ServerCertificateSource cloud, Path folder) {
    this.cloud = cloud;
    this.folder = folder;
    this.copy = folder.resolve("server.crt");
  }

  @Override
  public ServerCertificate request(String groupId, String coreThingName, String csrPem) {
    ServerCertificate certificate = cloud.request(groupId, coreThingName, csrPem);
    try {
      DurableFiles.createDirectories(folder);
      DurableFiles.writeAtomically(
          copy, certificate.certificatePem().getBytes(StandardCharsets.US_ASCII));
      LOG.info("A new server certificate is in {}", copy);
    } catch (DurableException e) {
      LOG.warn("The server certificate is used, and not copied to {}: {}", copy, e.getMessage());
    }
    return certificate;
  }

  @Override
  public void reportConnectivity(String coreThingName, List<Endpoint> endpoints) {
    cloud.reportConnectivity(coreThingName, endpoints);
  }

  @Override
  public List<Endpoint> connectivity(String coreThingName) {
    return cloud.connectivity(coreThingName);
  }
}
