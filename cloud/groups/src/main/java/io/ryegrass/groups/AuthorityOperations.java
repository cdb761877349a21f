package io.ryegrass.groups;

import io.ryegrass.awsapi.ServiceOperations;
import java.time.Duration;
import java.time.Instant;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Certificate authorities of a group and the life of what they sign (v1-group-deployment.md §3.2).
 */
final class AuthorityOperations {
  private final VersionedStore store;
  private final GroupAuthorities authorities;
  private final GroupArns arns;

  AuthorityOperations(VersionedStore store, GroupAuthorities authorities, GroupArns arns) {
    this.store = store;
    this.authorities = authorities;
    this.arns = arns;
  }

  void addTo(ServiceOperations.Builder builder) {
    builder
        .json("CreateGroupCertificateAuthority", (context, input) -> create(group(input)))
        .json("ListGroupCertificateAuthorities", (context, input) -> list(group(input)))
        .json("GetGroupCertificateAuthority", (context, input) -> get(group(input), input))
        .json("GetGroupCertificateConfiguration", (context, input) -> configuration(group(input)))
        .json(
            "UpdateGroupCertificateConfiguration", (context, input) -> update(group(input), input));
  }

  private String group(ObjectNode input) {
    return store.get(Kind.GROUP, GroupOperations.id(input)).id();
  }

  private ObjectNode create(String groupId) {
    return Shapes.empty()
        .put(
            "GroupCertificateAuthorityArn",
            arns.authority(groupId, authorities.create(groupId).id()));
  }

  private ObjectNode list(String groupId) {
    ObjectNode output = Shapes.empty();
    ArrayNode array = output.putArray("GroupCertificateAuthorities");
    authorities.current(groupId);
    for (GroupAuthorities.Authority authority : authorities.all(groupId)) {
      array
          .addObject()
          .put("GroupCertificateAuthorityArn", arns.authority(groupId, authority.id()))
          .put("GroupCertificateAuthorityId", authority.id());
    }
    return output;
  }

  private ObjectNode get(String groupId, ObjectNode input) {
    String id = input.path("CertificateAuthorityId").asString("");
    return authorities.all(groupId).stream()
        .filter(authority -> authority.id().equals(id))
        .findFirst()
        .map(
            authority ->
                Shapes.empty()
                    .put("GroupCertificateAuthorityArn", arns.authority(groupId, id))
                    .put("GroupCertificateAuthorityId", id)
                    .put("PemEncodedCertificate", authority.ca().certificatePem()))
        .orElseThrow(
            () ->
                V1Errors.badRequest(
                    "Certificate authority " + id + " of group " + groupId + " does not exist."));
  }

  private ObjectNode configuration(String groupId) {
    Instant end = authorities.current(groupId).ca().certificate().getNotAfter().toInstant();
    return Shapes.empty()
        .put("CertificateAuthorityExpiryInMilliseconds", Long.toString(end.toEpochMilli()))
        .put(
            "CertificateExpiryInMilliseconds",
            Long.toString(authorities.expiry(groupId).toMillis()))
        .put("GroupId", groupId);
  }

  private ObjectNode update(String groupId, ObjectNode input) {
    String text = input.path("CertificateExpiryInMilliseconds").asString("");
    long millis;
    try {
      millis = Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw V1Errors.badRequest("CertificateExpiryInMilliseconds is not a number: " + text);
    }
    Duration expiry = Duration.ofMillis(millis);
    if (expiry.compareTo(GroupAuthorities.MIN_EXPIRY) < 0
        || expiry.compareTo(GroupAuthorities.MAX_EXPIRY) > 0) {
      throw V1Errors.badRequest(
          "CertificateExpiryInMilliseconds must be 604800000 to 2592000000 (7 to 30 days), but is "
              + text);
    }
    authorities.setExpiry(groupId, expiry);
    return configuration(groupId);
  }
}
