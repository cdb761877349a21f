package io.ryegrass.clientdevices;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

/**
 * The calls as the data plane sees them: names as in AWS's model of UpdateConnectivityInfo, and our
 * own certificate route.
 */
class ServerCertificateSourceTest {
  @Test
  void theDataPlaneGetsTheDocumentedRequests() {
    List<String> calls = new ArrayList<>();
    ServerCertificateSource source =
        ServerCertificateSource.over(
            (method, path, body) -> {
              calls.add(method + " " + path + " " + body);
              return JsonMapper.shared()
                  .readTree(
                      "{\"certificatePem\": \"C\", \"caPem\": \"A\", \"groupCaArn\": \"arn\","
                          + "\"connectivityInfo\": [{\"id\": \"x\", \"hostAddress\": \"gw\", \"portNumber\": 9000}]}");
            });
    assertThat(source.request("g-1", "core-1", "CSR"))
        .isEqualTo(new ServerCertificateSource.ServerCertificate("C", "A", "arn"));
    source.reportConnectivity(
        "core-1", List.of(ServerCertificateSource.Endpoint.detected("10.0.0.1", 8883)));
    assertThat(source.connectivity("core-1"))
        .containsExactly(new ServerCertificateSource.Endpoint("x", "gw", 9000));
    assertThat(calls)
        .containsExactly(
            "POST /greengrass/groups/g-1/certificate {\"csr\":\"CSR\",\"thingName\":\"core-1\"}",
            "PUT /greengrass/things/core-1/connectivityInfo {\"ConnectivityInfo\":[{\"Id\":\"AUTOIP_10.0.0.1_0\","
                + "\"HostAddress\":\"10.0.0.1\",\"PortNumber\":8883,\"Metadata\":\"\"}]}",
            "GET /greengrass/things/core-1/connectivityInfo null");
  }
}
