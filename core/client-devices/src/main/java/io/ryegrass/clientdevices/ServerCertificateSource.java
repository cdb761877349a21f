package io.ryegrass.clientdevices;

import io.ryegrass.model.Json;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What the local broker needs of the cloud. Calls may block with a deadline; they throw {@link
 * io.ryegrass.nucleus.CloudUnavailableException} when trying again may help, {@link
 * io.ryegrass.nucleus.CloudRefusedException} when it does not.
 */
public interface ServerCertificateSource {
  /** A certificate of the group's authority for the key of this request. */
  ServerCertificate request(String groupId, String coreThingName, String csrPem);

  /** Tells the cloud where devices reach this core; replaces what was told before. */
  void reportConnectivity(String coreThingName, List<Endpoint> endpoints);

  /** Where devices reach this core by what the cloud says now, whoever told it. */
  List<Endpoint> connectivity(String coreThingName);

  /**
   * @param certificatePem the server's certificate, more of its chain may follow
   * @param caPem the group's authority, which devices get by discovery
   * @param groupCaArn its ARN, empty when the cloud does not say
   */
  record ServerCertificate(String certificatePem, String caPem, String groupCaArn) {}

  /** One entry of the connectivity information (DIS-05). */
  record Endpoint(String id, String hostAddress, int portNumber) {
    private static final String DETECTED = "AUTOIP_";

    /** What the core detected itself (IPD-05). */
    static Endpoint detected(String address, int port) {
      return new Endpoint(DETECTED + address + "_0", address, port);
    }

    /** Somebody's own, which a core leaves as it is (IPD-04). */
    boolean isManual() {
      return !id.startsWith(DETECTED) && !id.equals(hostAddress);
    }
  }

  /**
   * The data plane's HTTPS with the core's certificate: answers the body of a 2xx, throws
   * otherwise. Without a body for GET.
   */
  @FunctionalInterface
  interface DataPlane {
    JsonNode call(String method, String path, @Nullable JsonNode body);
  }

  /** The source over the cloud's data plane. */
  static ServerCertificateSource over(DataPlane cloud) {
    return new ServerCertificateSource() {
      @Override
      public ServerCertificate request(String groupId, String coreThingName, String csrPem) {
        ObjectNode body = Json.object().put("csr", csrPem).put("thingName", coreThingName);
        JsonNode answer =
            cloud.call("POST", "/greengrass/groups/" + groupId + "/certificate", body);
        return new ServerCertificate(
            answer.path("certificatePem").asString(""),
            answer.path("caPem").asString(""),
            answer.path("groupCaArn").asString(""));
      }

      @Override
      public void reportConnectivity(String coreThingName, List<Endpoint> endpoints) {
        ObjectNode body = Json.object();
        ArrayNode list = body.putArray("ConnectivityInfo");
        for (Endpoint e : endpoints) {
          list.addObject()
              .put("Id", e.id())
              .put("HostAddress", e.hostAddress())
              .put("PortNumber", e.portNumber())
              .put("Metadata", "");
        }
        cloud.call("PUT", "/greengrass/things/" + coreThingName + "/connectivityInfo", body);
      }

      @Override
      public List<Endpoint> connectivity(String coreThingName) {
        JsonNode answer =
            cloud.call("GET", "/greengrass/things/" + coreThingName + "/connectivityInfo", null);
        List<Endpoint> endpoints = new ArrayList<>();
        for (JsonNode entry : answer.path("connectivityInfo")) {
          endpoints.add(
              new Endpoint(
                  entry.path("id").asString(""),
                  entry.path("hostAddress").asString(""),
                  entry.path("portNumber").asInt(0)));
        }
        return endpoints;
      }
    };
  }
}
