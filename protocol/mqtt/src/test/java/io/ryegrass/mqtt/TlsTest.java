package io.ryegrass.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Date;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.eclipse.paho.client.mqttv3.MqttClient;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence;
import org.junit.jupiter.api.Test;

/**
 * Mutual TLS: the chain is the listener's trust manager's business, the identity the
 * authenticator's.
 */
class TlsTest {
  private record Identity(KeyPair keys, X509Certificate certificate) {
    static Identity issue(String name, Identity issuer) throws Exception {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(256);
      KeyPair keys = generator.generateKeyPair();
      X500Principal subject = new X500Principal("CN=" + name);
      Instant now = Instant.now();
      var builder =
          new JcaX509v3CertificateBuilder(
                  issuer == null ? subject : issuer.certificate.getSubjectX500Principal(),
                  BigInteger.valueOf(System.nanoTime()),
                  Date.from(now.minus(1, ChronoUnit.HOURS)),
                  Date.from(now.plus(1, ChronoUnit.DAYS)),
                  subject,
                  keys.getPublic())
              .addExtension(
                  Extension.subjectAlternativeName,
                  false,
                  new GeneralNames(new GeneralName(GeneralName.iPAddress, "127.0.0.1")));
      if (issuer == null) {
        builder.addExtension(
            Extension.basicConstraints,
            true,
            new org.bouncycastle.asn1.x509.BasicConstraints(true));
      }
      var signer =
          new JcaContentSignerBuilder("SHA256withECDSA")
              .build(issuer == null ? keys.getPrivate() : issuer.keys.getPrivate());
      return new Identity(
          keys, new JcaX509CertificateConverter().getCertificate(builder.build(signer)));
    }

    SSLContext client(X509Certificate trusted) throws Exception {
      KeyStore own = KeyStore.getInstance("PKCS12");
      own.load(null);
      own.setKeyEntry("k", keys.getPrivate(), new char[0], new X509Certificate[] {certificate});
      KeyManagerFactory managers =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      managers.init(own, new char[0]);
      KeyStore trust = KeyStore.getInstance("PKCS12");
      trust.load(null);
      trust.setCertificateEntry("ca", trusted);
      TrustManagerFactory trustManagers =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trustManagers.init(trust);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(managers.getKeyManagers(), trustManagers.getTrustManagers(), null);
      return context;
    }

    SslContext server(X509Certificate clientCa) throws Exception {
      return SslContextBuilder.forServer(keys.getPrivate(), certificate)
          .sslProvider(SslProvider.JDK)
          .clientAuth(ClientAuth.REQUIRE)
          .trustManager(clientCa)
          .build();
    }
  }

  private static MqttClient connect(int port, String id, SSLContext tls) throws MqttException {
    MqttClient client = new MqttClient("ssl://127.0.0.1:" + port, id, new MemoryPersistence());
    MqttConnectOptions options = TestBroker.options(true);
    options.setSocketFactory(tls.getSocketFactory());
    try {
      client.connect(options);
      return client;
    } catch (MqttException e) {
      client.close();
      throw e;
    }
  }

  @Test
  void theAuthenticatorSeesTheProvenCertificateStrangersFailInTlsAndRenewedCertificatesAreServed()
      throws Exception {
    Identity deviceCa = Identity.issue("device CA", null);
    Identity serverCa = Identity.issue("server CA", null);
    Identity renewedCa = Identity.issue("renewed CA", null);
    Identity device = Identity.issue("lamp", deviceCa);
    Identity stranger = Identity.issue("lamp", Identity.issue("other CA", null));
    Authenticator byCertificate =
        r ->
            r.certificates()
                    .getFirst()
                    .getSubjectX500Principal()
                    .getName()
                    .equals("CN=" + r.clientId())
                ? new AuthenticationResult.Accepted(r.certificates().getFirst())
                : new AuthenticationResult.Refused(
                    ReturnCode.NOT_AUTHORISED, "the client id is not the certificate's");
    try (MqttBroker broker =
        MqttBroker.builder()
            .listener(
                "tls",
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                Identity.issue("server", serverCa).server(deviceCa.certificate()))
            .authoriser(Authoriser.permitAll())
            .limits(Limits.device())
            .authenticator(byCertificate)
            .start()) {
      int port = broker.port("tls");
      MqttClient lamp = connect(port, "lamp", device.client(serverCa.certificate()));
      lamp.publish("t", new byte[200_000 / 2], 1, false);
      assertThat(broker.isConnected("lamp")).isTrue();
      assertThatThrownBy(() -> connect(port, "not-lamp", device.client(serverCa.certificate())))
          .isInstanceOfSatisfying(
              MqttException.class, e -> assertThat(e.getReasonCode()).isEqualTo(5));
      assertThatThrownBy(() -> connect(port, "lamp", stranger.client(serverCa.certificate())))
          .isInstanceOf(MqttException.class);
      assertThat(broker.isConnected("lamp")).as("a stranger takes nothing over").isTrue();

      broker.replaceTls("tls", Identity.issue("server", renewedCa).server(deviceCa.certificate()));
      lamp.publish("t", new byte[10], 1, false);
      lamp.disconnect();
      lamp.close();
      MqttClient again = connect(port, "lamp", device.client(renewedCa.certificate()));
      again.disconnect();
      again.close();
    }
  }
}
