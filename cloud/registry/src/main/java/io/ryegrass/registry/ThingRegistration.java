package io.ryegrass.registry;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.store.Sql;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * Makes what a template plans for a device: thing, groups, policies, and the certificate's state,
 * all in one transaction.
 */
final class ThingRegistration {
  private final Registry registry;

  ThingRegistration(Registry registry) {
    this.registry = registry;
  }

  void make(Sql sql, TemplateBody.Plan plan, String certificateId) {
    TemplateBody.ThingPlan thing = plan.thing();
    if (thing != null) {
      make(sql, thing);
      sql.update(
          "INSERT INTO thing_principals (thing, certificate) VALUES (?, ?)"
              + " ON CONFLICT (thing, certificate) DO NOTHING",
          thing.name(),
          certificateId);
    }
    for (TemplateBody.PolicyPlan policy : plan.policies()) {
      sql.update(
          "INSERT INTO iot_policy_targets (policy, target) VALUES (?, ?)"
              + " ON CONFLICT (policy, target) DO NOTHING",
          policy(sql, policy),
          registry.certArn(certificateId));
    }
    registry.certificates().setStatus(sql, certificateId, plan.status());
  }

  private void make(Sql sql, TemplateBody.ThingPlan plan) {
    if (!plan.name().matches("[a-zA-Z0-9:_-]{1,128}")) {
      throw ProvisioningException.invalid("'" + plan.name() + "' cannot be the name of a thing");
    }
    Optional<ThingRecords.Thing> known = ThingRecords.find(sql, plan.name());
    String type = known.map(ThingRecords.Thing::type).orElse(plan.type());
    ObjectNode attributes = known.map(ThingRecords.Thing::attributes).orElse(plan.attributes());
    if (known.isPresent()) {
      if (!Objects.equals(type, plan.type()) && decide(plan, "ThingTypeName")) {
        type = plan.type();
      }
      if (!attributes.equals(plan.attributes()) && decide(plan, "AttributePayload")) {
        attributes =
            plan.override("AttributePayload") == TemplateBody.Override.MERGE
                ? (ObjectNode) attributes.deepCopy().setAll(plan.attributes())
                : plan.attributes();
      }
    }
    if (type != null
        && sql.count("SELECT COUNT(*) AS n FROM thing_types WHERE name = ?", type) == 0) {
      throw missing("thing type " + type);
    }
    try {
      if (known.isEmpty()) {
        registry.records().create(sql, plan.name(), type, attributes, null);
      } else if (!Objects.equals(type, known.get().type())
          || !attributes.equals(known.get().attributes())) {
        registry.records().update(sql, known.get(), type, attributes);
      }
    } catch (AwsException e) {
      throw ProvisioningException.invalid(String.valueOf(e.getMessage()));
    }
    groups(sql, plan, known.isPresent());
  }

  private void groups(Sql sql, TemplateBody.ThingPlan plan, boolean existed) {
    for (String group : plan.groups()) {
      if (!registry.thingGroupExists(group)) {
        throw missing("thing group " + group);
      }
    }
    var now = registry.thingGroupsOf(plan.name());
    if (now.containsAll(plan.groups()) && plan.groups().containsAll(now)) {
      return;
    }
    if (existed && !now.isEmpty()) {
      if (!decide(plan, "ThingGroups")) {
        return;
      }
      if (plan.override("ThingGroups") == TemplateBody.Override.REPLACE) {
        now.stream()
            .filter(g -> !plan.groups().contains(g))
            .forEach(g -> registry.leave(sql, plan.name(), g));
      }
    }
    plan.groups().forEach(g -> registry.join(sql, plan.name(), g));
  }

  /** Whether a property of a thing that exists is to be changed. */
  private static boolean decide(TemplateBody.ThingPlan plan, String property) {
    return switch (plan.override(property)) {
      case DO_NOTHING -> false;
      case REPLACE, MERGE -> true;
      case FAIL ->
          throw new ProvisioningException(
              409, "ResourceConflict", "thing " + plan.name() + " exists with another " + property);
    };
  }

  /** A policy of the template's own is named by its text, so that devices share one. */
  private String policy(Sql sql, TemplateBody.PolicyPlan plan) {
    String name = plan.name() != null ? plan.name() : hash(Objects.requireNonNull(plan.document()));
    if (sql.count("SELECT COUNT(*) AS n FROM iot_policies WHERE name = ?", name) > 0) {
      return name;
    }
    String document = plan.document();
    if (document == null) {
      throw missing("policy " + name);
    }
    try {
      registry.policies().create(sql, name, document);
    } catch (AwsException e) {
      throw ProvisioningException.invalid("the template's policy is not valid: " + e.getMessage());
    }
    return name;
  }

  static String hash(@Nullable String text) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256")
                  .digest(String.valueOf(text).getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static ProvisioningException missing(String what) {
    return new ProvisioningException(
        404, "ResourceNotFound", "the template names " + what + ", which does not exist");
  }
}
