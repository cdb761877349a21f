package io.ryegrass.devicegateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.identity.CertificateAuthority;
import io.ryegrass.identity.CertificateIds;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SSLContext;
import org.awaitility.Awaitility;
import org.eclipse.paho.client.mqttv3.MqttClient;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A device that brings a certificate of the customer's own authority (just-in-time registration).
 */
class JustInTimeTest {
  @TempDir Path folder;

  @Test
  void itIsRegisteredByItsFirstConnectionAndLetInWhenItIsActiveAndCutWhenItIsNotAnyMore()
      throws MqttException {
    CertificateAuthority own =
        CertificateAuthority.openOrCreate(folder.resolve("own"), "Factory CA");
    try (Rig rig = new Rig(folder.resolve("cloud"))) {
      rig.serve(List.of(), List.of());
      rig.iot(
          "POST",
          "/cacertificate?setAsActive=true&allowAutoRegistration=true",
          Rig.JSON.writeValueAsString(
              Map.of("caCertificate", own.certificatePem(), "certificateMode", "SNI_ONLY")));
      CertificateAuthority.Issued issued = own.issueDevice("pump");
      String id = CertificateIds.of(issued.certificate());
      SSLContext tls = rig.tls(issued.certificatePem(), issued.privateKeyPem());

      Awaitility.await()
          .atMost(Duration.ofSeconds(60))
          .pollInterval(Duration.ofSeconds(2))
          .untilAsserted(
              () -> {
                assertThatThrownBy(() -> rig.connect(tls, "pump"))
                    .isInstanceOf(MqttException.class);
                assertThat(status(rig, id)).isEqualTo("PENDING_ACTIVATION");
              });
      rig.iot(
          "POST", "/policies/all", Rig.JSON.writeValueAsString(Map.of("policyDocument", Rig.ALL)));
      rig.iot(
          "PUT",
          "/target-policies/all",
          Rig.JSON.writeValueAsString(
              Map.of("target", "arn:aws:iot:us-east-1:000000000000:cert/" + id)));
      rig.iot("PUT", "/certificates/" + id + "?newStatus=ACTIVE", "");
      // a client that comes again within a second is told to wait
      MqttClient connected =
          Awaitility.await()
              .atMost(Duration.ofSeconds(60))
              .pollInterval(Duration.ofSeconds(2))
              .ignoreExceptions()
              .until(() -> rig.connect(tls, "pump"), MqttClient::isConnected);
      assertThat(connected.isConnected()).isTrue();

      rig.iot("PUT", "/certificates/" + id + "?newStatus=REVOKED", "");

      Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> !connected.isConnected());
      assertThat(status(rig, id)).isEqualTo("REVOKED");
    }
  }

  private static String status(Rig rig, String id) {
    return rig.iot("GET", "/certificates/" + id, "")
        .path("certificateDescription")
        .path("status")
        .asString();
  }
}
