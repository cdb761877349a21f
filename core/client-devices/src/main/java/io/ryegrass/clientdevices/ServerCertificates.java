package io.ryegrass.clientdevices;

import io.ryegrass.nucleus.CloudRefusedException;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import javax.security.auth.x500.X500Principal;

/**
 * Gets a certificate for a new key: RSA with 2048 bits, which every TLS client of the V1 guide's
 * list can verify (v1-group-deployment reference, section 6).
 */
final class ServerCertificates {
  private static final int KEY_BITS = 2048;

  private final ServerCertificateSource cloud;
  private final String coreThingName;

  ServerCertificates(ServerCertificateSource cloud, String coreThingName) {
    this.cloud = cloud;
    this.coreThingName = coreThingName;
  }

  /**
   * @throws io.ryegrass.nucleus.CloudUnavailableException when trying again may help
   * @throws CloudRefusedException when the cloud says no, or answers with a certificate of another
   *     key
   */
  ServerIdentity obtain(String groupId, Set<String> addresses) {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance(ServerIdentity.KEY_ALGORITHM);
      generator.initialize(KEY_BITS);
      KeyPair keys = generator.generateKeyPair();
      ServerCertificateSource.ServerCertificate answer =
          cloud.request(
              groupId,
              coreThingName,
              CertificateRequest.pem(
                  new X500Principal("CN=" + coreThingName.replaceAll("[^A-Za-z0-9:_-]", "-")),
                  keys,
                  addresses));
      List<X509Certificate> chain = new ArrayList<>(Pems.certificates(answer.certificatePem()));
      if (chain.isEmpty() || !chain.getFirst().getPublicKey().equals(keys.getPublic())) {
        throw new CloudRefusedException(
            "SERVER_CERTIFICATE_NOT_VALID",
            "The cloud answered the broker's certificate request for group "
                + groupId
                + " with a certificate of another key; check the cloud's version.");
      }
      return new ServerIdentity(
          groupId, Set.copyOf(addresses), keys.getPrivate(), chain, answer.caPem());
    } catch (GeneralSecurityException e) {
      throw new CloudRefusedException(
          "SERVER_CERTIFICATE_NOT_VALID",
          "The broker's certificate for group " + groupId + " could not be made: " + e.getMessage(),
          e);
    }
  }
}
