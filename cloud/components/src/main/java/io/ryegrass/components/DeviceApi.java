package io.ryegrass.components;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.registry.DeviceRequest;
import io.ryegrass.registry.DeviceResponse;
import io.ryegrass.registry.DeviceRoute;
import io.ryegrass.registry.Registry;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Function;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The HTTPS routes that devices call with their certificates (v2-deployments.md §7). A device asks
 * only about itself: the thing in the path must be attached to its certificate.
 */
final class DeviceApi {
  private static final String CORE = "coreDeviceThingName";
  private static final String RESOLVE = "greengrass:ResolveComponentCandidates";

  private final ComponentOperations components;
  private final Deployments deployments;
  private final Connectivity connectivity;
  private final Artifacts artifacts;
  private final Registry registry;
  private final Arns arns;

  DeviceApi(
      ComponentOperations components,
      Deployments deployments,
      Connectivity connectivity,
      Artifacts artifacts,
      Registry registry,
      Arns arns) {
    this.components = components;
    this.deployments = deployments;
    this.connectivity = connectivity;
    this.artifacts = artifacts;
    this.registry = registry;
    this.arns = arns;
  }

  List<DeviceRoute> routes() {
    return List.of(
        route(
            "POST",
            "/greengrass/v2/resolveComponentCandidates",
            RESOLVE,
            r -> arns.own("components:" + firstCandidate(r) + ":versions:*"),
            this::resolve),
        route(
            "GET",
            "/greengrass/v2/components/{arn}/artifacts/{artifactName+}",
            "greengrass:GetComponentVersionArtifact",
            r -> r.path("arn"),
            r ->
                components.artifactUrl(
                    Json.object()
                        .put("arn", r.path("arn"))
                        .put("artifactName", r.path("artifactName")))),
        route(
            "GET",
            "/greengrass/v2/coreDevices/{coreDeviceThingName}/thingGroups",
            "greengrass:ListThingGroupsForCoreDevice",
            r -> arns.own("coreDevices:" + r.path(CORE)),
            this::thingGroups),
        route(
            "GET",
            "/greengrass/v2/coreDevices/{coreDeviceThingName}/deployments/{deploymentId}/configuration",
            "greengrass:GetDeploymentConfiguration",
            r -> arns.own("coreDevices:" + r.path(CORE)),
            this::deploymentConfiguration),
        route(
            "GET",
            "/greengrass/things/{thingName}/connectivityInfo",
            "greengrass:GetConnectivityInfo",
            DeviceApi.this::connectivityArn,
            r -> wire(connectivity.get(Json.object().put("thingName", own(r, "thingName"))))),
        route(
            "PUT",
            "/greengrass/things/{thingName}/connectivityInfo",
            "greengrass:UpdateConnectivityInfo",
            DeviceApi.this::connectivityArn,
            this::putConnectivity));
  }

  /** The gateway has asked the policies about the first candidate; here about the others. */
  private ObjectNode resolve(DeviceRequest request) {
    ObjectNode body = body(request);
    Map<String, String> variables = Map.of("iot:CertificateId", request.device().certificateId());
    JsonNode candidates = body.path("componentCandidates");
    for (int i = 1; i < candidates.size(); i++) {
      String name = Json.text(candidates.path(i), "componentName");
      String arn = arns.own("components:" + name + ":versions:*");
      if (!registry.isAllowed(request.device(), RESOLVE, arn, variables)) {
        throw Faults.denied(
            "the policies of certificate "
                + request.device().certificateId()
                + " do not allow "
                + RESOLVE
                + " on "
                + arn);
      }
    }
    return components.resolve(body);
  }

  private String connectivityArn(DeviceRequest r) {
    return arns.own("/greengrass/things/" + r.path("thingName") + "/connectivityInfo");
  }

  private static DeviceRoute route(
      String method,
      String path,
      String action,
      Function<DeviceRequest, String> resource,
      Function<DeviceRequest, ObjectNode> handler) {
    return new DeviceRoute(
        method,
        path,
        action,
        resource,
        request -> {
          try {
            return DeviceResponse.json(200, handler.apply(request));
          } catch (AwsException e) {
            String message = e.getMessage();
            return DeviceResponse.error(e.status(), e.code(), message == null ? e.code() : message);
          }
        });
  }

  /**
   * Groups of the registry and the pseudo groups of V1: the device keeps the roots of all of them.
   */
  private ObjectNode thingGroups(DeviceRequest request) {
    String core = own(request, CORE);
    TreeSet<String> names = new TreeSet<>(registry.thingGroupsOf(core));
    names.addAll(deployments.hiddenGroupsOf(core));
    ObjectNode result = Json.object();
    ArrayNode groups = result.putArray("thingGroups");
    for (String name : names) {
      ObjectNode group = groups.addObject();
      group.put("thingGroupName", name);
      group.put(
          "thingGroupArn",
          "arn:aws:iot:" + arns.region() + ":" + arns.account() + ":thinggroup/" + name);
      group.putArray("rootToParentThingGroups");
    }
    return result;
  }

  private ObjectNode deploymentConfiguration(DeviceRequest request) {
    String core = own(request, CORE);
    String id = request.path("deploymentId");
    byte[] document =
        deployments
            .document(id, core)
            .orElseThrow(
                () ->
                    Faults.notFound(
                        "DEPLOYMENT", id, "Deployment " + id + " is not one of " + core))
            .getBytes(StandardCharsets.UTF_8);
    ObjectNode result = Json.object();
    result.put("preSignedUrl", artifacts.document(id, document));
    result
        .putObject("integrityCheck")
        .put("algorithm", "SHA-256")
        .put("digest", Base64.getEncoder().encodeToString(Digests.sha256(document)));
    return result;
  }

  private ObjectNode putConnectivity(DeviceRequest request) {
    ObjectNode input = Json.object().put("thingName", own(request, "thingName"));
    JsonNode given = io.ryegrass.model.JsonFields.get(body(request), "ConnectivityInfo");
    input.set("connectivityInfo", given == null ? Json.object().putArray("x") : given);
    ObjectNode stored = connectivity.put(input);
    return Json.object()
        .put("Version", Json.text(stored, "version"))
        .put("version", Json.text(stored, "version"))
        .put("Message", Json.text(stored, "message"))
        .put("message", Json.text(stored, "message"));
  }

  /**
   * The control plane's model writes members with capitals, the device's data-plane client without;
   * a device finds either.
   */
  private static ObjectNode wire(ObjectNode connectivityInfo) {
    ObjectNode result = Json.object();
    ArrayNode capitals = result.putArray("ConnectivityInfo");
    for (JsonNode entry : connectivityInfo.path("connectivityInfo")) {
      capitals
          .addObject()
          .put("Id", Json.text(entry, "id"))
          .put("HostAddress", Json.text(entry, "hostAddress"))
          .put("PortNumber", entry.path("portNumber").asInt(0))
          .put("Metadata", Json.text(entry, "metadata"));
    }
    result.set("connectivityInfo", connectivityInfo.path("connectivityInfo"));
    return result;
  }

  private static String own(DeviceRequest request, String parameter) {
    String thing = request.path(parameter);
    if (!request.device().thingNames().contains(thing)) {
      throw Faults.denied(
          "the certificate is not attached to thing "
              + thing
              + "; attach it with iot AttachThingPrincipal");
    }
    return thing;
  }

  private static ObjectNode body(DeviceRequest request) {
    ObjectNode body = Json.tryRead(request.body());
    if (body == null) {
      throw Faults.validation("body", "the body of the request must be a JSON object");
    }
    return body;
  }

  private static String firstCandidate(DeviceRequest request) {
    ObjectNode body = Json.tryRead(request.body());
    return body == null
        ? "*"
        : Json.text(body.path("componentCandidates").path(0), "componentName");
  }
}
