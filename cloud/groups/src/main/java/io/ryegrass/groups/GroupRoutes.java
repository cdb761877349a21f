package io.ryegrass.groups;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.groups.DeploymentStore.Membership;
import io.ryegrass.identity.CertificateAuthority;
import io.ryegrass.identity.CertificateException;
import io.ryegrass.identity.TemporaryCredentials;
import io.ryegrass.registry.DeviceRequest;
import io.ryegrass.registry.DeviceResponse;
import io.ryegrass.registry.DeviceRoute;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What devices ask for over HTTPS with their certificate: discovery (v2-deployments.md §8), the
 * certificate of a core's local broker (own design, docs/decisions/003), and credentials of the
 * group's role (POL-01, IAM-07; the wire is our own, docs/decisions/051).
 */
final class GroupRoutes {
  private static final Logger log = LoggerFactory.getLogger(GroupRoutes.class);
  private static final List<String> LOOPBACK = List.of("localhost", "127.0.0.1", normal("::1"));

  private final DeploymentStore deployments;
  private final GroupAuthorities authorities;
  private final CoreDeployments cores;
  private final GroupArns arns;
  private final RoleOperations roles;
  private final GroupRoles assuming;

  GroupRoutes(
      DeploymentStore deployments,
      GroupAuthorities authorities,
      CoreDeployments cores,
      GroupArns arns,
      RoleOperations roles,
      GroupRoles assuming) {
    this.roles = roles;
    this.assuming = assuming;
    this.deployments = deployments;
    this.authorities = authorities;
    this.cores = cores;
    this.arns = arns;
  }

  List<DeviceRoute> routes() {
    return List.of(
        new DeviceRoute(
            "GET",
            "/greengrass/discover/thing/{thingName}",
            "greengrass:Discover",
            request -> thingArn(request.path("thingName")),
            this::discover),
        new DeviceRoute(
            "POST",
            "/greengrass/groups/{groupId}/certificate",
            "greengrass:CreateCertificate",
            request -> arns.of(Kind.GROUP, request.path("groupId")),
            this::certificate),
        new DeviceRoute(
            "GET",
            "/greengrass/groups/{groupId}/credentials",
            "greengrass:AssumeRoleForGroup",
            request -> arns.of(Kind.GROUP, request.path("groupId")),
            this::credentials));
  }

  private String thingArn(String thing) {
    return "arn:aws:iot:" + arns.region() + ":" + arns.account() + ":thing/" + thing;
  }

  private DeviceResponse discover(DeviceRequest request) {
    String thing = request.path("thingName");
    List<Membership> memberships = deployments.groupsOf(thing);
    if (memberships.isEmpty()) {
      return DeviceResponse.error(
          404,
          "ResourceNotFoundException",
          "Thing " + thing + " is not a device of any deployed group.");
    }
    if (memberships.size() > DeploymentBuilder.MAX_GROUPS_OF_A_DEVICE) {
      return DeviceResponse.error(
          400,
          "BadRequestException",
          "Device is a member of too many groups, devices may not be in more than 10 groups");
    }
    ObjectNode body = Shapes.empty();
    ArrayNode groups = body.putArray("GGGroups");
    for (Membership membership : memberships) {
      ObjectNode group = groups.addObject();
      group.put("GGGroupId", membership.groupId());
      ObjectNode core = group.putArray("Cores").addObject();
      core.put("thingArn", thingArn(membership.core()));
      ArrayNode connectivity = core.putArray("Connectivity");
      for (CoreDeployments.Address address : cores.addresses(membership.core())) {
        connectivity
            .addObject()
            .put("Id", address.id())
            .put("HostAddress", address.hostAddress())
            .put("PortNumber", address.portNumber())
            .put("Metadata", address.metadata());
      }
      ArrayNode cas = group.putArray("CAs");
      authorities.current(membership.groupId());
      authorities
          .all(membership.groupId())
          .forEach(authority -> cas.add(authority.ca().certificatePem()));
    }
    return DeviceResponse.json(200, body);
  }

  /**
   * Certifies the core's own key for loopback and for the addresses that it reported; other names
   * are left out.
   */
  private DeviceResponse certificate(DeviceRequest request) {
    String group = request.path("groupId");
    JsonNode body;
    try {
      body = VersionedStore.JSON.readTree(request.body());
    } catch (JacksonException e) {
      return DeviceResponse.error(400, "BadRequestException", "The body is not JSON.");
    }
    String thing = body.path("thingName").asString("");
    if (!request.device().thingNames().contains(thing) || !deployments.isCore(group, thing)) {
      log.warn("{} asked for a certificate of group {} and is not its core", thing, group);
      return DeviceResponse.error(
          403,
          "AccessDeniedException",
          "Only the core of group " + group + " may ask for its certificate.");
    }
    String csr = body.path("csr").asString("");
    try {
      Set<String> allowed = new LinkedHashSet<>(LOOPBACK);
      cores.addresses(thing).forEach(address -> allowed.add(normal(address.hostAddress())));
      List<String> asked =
          CertificateAuthority.requestedNames(csr).stream().map(GroupRoutes::normal).toList();
      List<String> names = new ArrayList<>(asked.isEmpty() ? allowed : asked);
      names.retainAll(allowed);
      if (names.isEmpty()) {
        return DeviceResponse.error(
            400,
            "BadRequestException",
            "The request names only "
                + asked
                + ", none of which the core reported as connectivity information; report them first.");
      }
      GroupAuthorities.Authority authority = authorities.current(group);
      ObjectNode answer = Shapes.empty();
      answer.put(
          "certificatePem", authority.ca().signServerCsr(csr, names, authorities.expiry(group)));
      answer.put("caPem", authority.ca().certificatePem());
      answer.put("groupCaArn", arns.authority(group, authority.id()));
      log.info("group {}: certificate for {} of core {}", group, names, thing);
      return DeviceResponse.json(200, answer);
    } catch (CertificateException e) {
      return DeviceResponse.error(400, "BadRequestException", String.valueOf(e.getMessage()));
    }
  }

  /** IAM-07: the credentials of the role that is associated with the group now. */
  private DeviceResponse credentials(DeviceRequest request) {
    String group = request.path("groupId");
    Optional<String> core =
        request.device().thingNames().stream()
            .filter(thing -> deployments.isCore(group, thing))
            .findFirst();
    if (core.isEmpty()) {
      return DeviceResponse.error(
          403,
          "AccessDeniedException",
          "Only the core of group " + group + " may ask for credentials of its role.");
    }
    Optional<String> role = roles.roleOf(group);
    if (role.isEmpty()) {
      return DeviceResponse.error(
          404,
          "ResourceNotFoundException",
          "Group "
              + group
              + " has no role. You need to attach an IAM role to this deployment group.");
    }
    TemporaryCredentials given;
    try {
      given = assuming.assume(role.get(), request.device().certificateId(), core.get());
    } catch (AwsException e) {
      return DeviceResponse.error(e.status(), e.code(), String.valueOf(e.getMessage()));
    }
    ObjectNode answer = Shapes.empty();
    answer
        .putObject("credentials")
        .put("accessKeyId", given.accessKeyId())
        .put("secretAccessKey", given.secretAccessKey())
        .put("sessionToken", given.sessionToken())
        .put("expiration", given.expiration().toString());
    return DeviceResponse.json(200, answer);
  }

  /** One spelling for each address and name, so that they can be compared. */
  private static String normal(String nameOrAddress) {
    try {
      return InetAddress.ofLiteral(nameOrAddress).getHostAddress();
    } catch (IllegalArgumentException e) {
      return nameOrAddress.toLowerCase(Locale.ROOT);
    }
  }
}
