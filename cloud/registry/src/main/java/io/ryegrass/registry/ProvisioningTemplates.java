package io.ryegrass.registry;

import static io.ryegrass.registry.Answers.text;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/** Provisioning templates and their versions (PRV-13, PRV-14). */
final class ProvisioningTemplates {
  /** Templates that devices name when they register by claim. */
  static final String FLEET = "FLEET_PROVISIONING";

  /** Templates of CA certificates. */
  static final String JUST_IN_TIME = "JITP";

  private static final int MAX_VERSIONS = 5;

  private final CloudStore store;
  private final Registry registry;
  private final Clock clock;

  ProvisioningTemplates(CloudStore store, Registry registry, Clock clock) {
    this.store = store;
    this.registry = registry;
    this.clock = clock;
  }

  private record Template(
      String name,
      String description,
      boolean enabled,
      String kind,
      String role,
      long defaultVersion,
      long nextVersion,
      long created,
      long updated) {
    static Template of(Row row) {
      return new Template(
          row.text("name"),
          row.text("description"),
          row.flag("enabled"),
          row.text("kind"),
          row.text("role_arn"),
          row.number("default_version"),
          row.number("next_version"),
          row.number("created"),
          row.number("updated"));
    }
  }

  private record Version(long number, String body, long created) {
    static Version of(Row row) {
      return new Version(row.number("version"), row.text("body"), row.number("created"));
    }
  }

  void serve(ServiceOperations.Builder iot) {
    iot.json("CreateProvisioningTemplate", this::create)
        .json("DescribeProvisioningTemplate", this::describe)
        .json("ListProvisioningTemplates", this::list)
        .json("UpdateProvisioningTemplate", this::update)
        .json("DeleteProvisioningTemplate", this::delete)
        .json("CreateProvisioningTemplateVersion", this::createVersion)
        .json("DescribeProvisioningTemplateVersion", this::describeVersion)
        .json("ListProvisioningTemplateVersions", this::listVersions)
        .json("DeleteProvisioningTemplateVersion", this::deleteVersion);
  }

  /** The default version of a template that may be used. */
  TemplateBody enabled(Sql sql, String name, String kind) {
    Optional<Template> template = find(sql, name);
    if (template.isPresent() && !template.get().kind().equals(kind)) {
      throw new ProvisioningException(
          400,
          "InvalidProvisioningTemplate",
          "provisioning template " + name + " is of type " + template.get().kind());
    }
    if (template.isEmpty() || !template.get().enabled()) {
      throw new ProvisioningException(
          template.isEmpty() ? 404 : 400,
          "InvalidProvisioningTemplate",
          "provisioning template "
              + name
              + (template.isEmpty() ? " does not exist" : " is not enabled"));
    }
    return TemplateBody.parse(version(sql, name, template.get().defaultVersion()).body());
  }

  private static Optional<Template> find(Sql sql, String name) {
    return sql.one("SELECT * FROM provisioning_templates WHERE name = ?", Template::of, name);
  }

  private static Template require(Sql sql, String name) {
    return find(sql, name)
        .orElseThrow(() -> Answers.missing("Provisioning template " + name + " not found"));
  }

  private static Version version(Sql sql, String name, long number) {
    return sql.one(
            "SELECT * FROM provisioning_template_versions WHERE template = ? AND version = ?",
            Version::of,
            name,
            number)
        .orElseThrow(
            () -> Answers.missing("Provisioning template " + name + " has no version " + number));
  }

  private static List<Version> versions(Sql sql, String name) {
    return sql.list(
        "SELECT * FROM provisioning_template_versions WHERE template = ? ORDER BY version LIMIT"
            + " 100",
        Version::of,
        name);
  }

  private String arn(String template) {
    return registry.arn("provisioningtemplate/" + template);
  }

  private static void check(ObjectNode in) {
    if (in.has("preProvisioningHook")) {
      throw Answers.invalid(
          "preProvisioningHook names a Lambda function, and this cloud does not run functions;"
              + " leave it out");
    }
  }

  private static void checkBody(String body) {
    try {
      TemplateBody.parse(body);
    } catch (IllegalArgumentException e) {
      throw Answers.invalid("templateBody is not valid: " + e.getMessage());
    }
  }

  private static void checkRole(String arn) {
    if (!arn.matches("arn:aws[a-z-]*:iam::\\d{12}:role/.+")) {
      throw Answers.invalid("provisioningRoleArn '" + arn + "' is no ARN of a role");
    }
  }

  private ObjectNode create(CallContext call, ObjectNode in) {
    String name = text(in, "templateName");
    check(in);
    checkBody(text(in, "templateBody"));
    checkRole(text(in, "provisioningRoleArn"));
    return store.write(
        sql -> {
          if (find(sql, name).isPresent()) {
            throw Answers.exists(
                "Provisioning template " + name + " already exists", name, arn(name));
          }
          sql.update(
              "INSERT INTO provisioning_templates (name, description, enabled, kind, role_arn,"
                  + " default_version, next_version, created, updated)"
                  + " VALUES (?, ?, ?, ?, ?, 1, 2, ?, ?)",
              name,
              text(in, "description"),
              in.path("enabled").asBoolean(false),
              in.has("type") ? text(in, "type") : FLEET,
              text(in, "provisioningRoleArn"),
              clock.instant(),
              clock.instant());
          insert(sql, name, 1, text(in, "templateBody"));
          RegistryTags.put(sql, arn(name), in.path("tags"));
          return Answers.object()
              .put("templateArn", arn(name))
              .put("templateName", name)
              .put("defaultVersionId", 1);
        });
  }

  private void insert(Sql sql, String name, long version, String body) {
    sql.update(
        "INSERT INTO provisioning_template_versions (template, version, body, created)"
            + " VALUES (?, ?, ?, ?)",
        name,
        version,
        body,
        clock.instant());
  }

  private ObjectNode summary(Template t) {
    ObjectNode out =
        Answers.object()
            .put("templateArn", arn(t.name()))
            .put("templateName", t.name())
            .put("creationDate", t.created() / 1000)
            .put("lastModifiedDate", t.updated() / 1000)
            .put("enabled", t.enabled())
            .put("type", t.kind());
    if (!t.description().isEmpty()) {
      out.put("description", t.description());
    }
    return out;
  }

  private ObjectNode describe(CallContext call, ObjectNode in) {
    return store.read(
        sql -> {
          Template t = require(sql, text(in, "templateName"));
          return summary(t)
              .put("defaultVersionId", t.defaultVersion())
              .put("templateBody", version(sql, t.name(), t.defaultVersion()).body())
              .put("provisioningRoleArn", t.role());
        });
  }

  private ObjectNode list(CallContext call, ObjectNode in) {
    List<Template> all =
        store.read(
            sql ->
                sql.list(
                    "SELECT * FROM provisioning_templates ORDER BY name LIMIT 10000",
                    Template::of));
    return Answers.page(
        in,
        Answers.Paging.RESULTS,
        "templates",
        all,
        Template::name,
        (t, out) -> out.add(summary(t)));
  }

  private ObjectNode update(CallContext call, ObjectNode in) {
    check(in);
    if (in.has("provisioningRoleArn")) {
      checkRole(text(in, "provisioningRoleArn"));
    }
    return store.write(
        sql -> {
          Template t = require(sql, text(in, "templateName"));
          long number = in.path("defaultVersionId").asLong(t.defaultVersion());
          sql.update(
              "UPDATE provisioning_templates SET description = ?, enabled = ?, role_arn = ?,"
                  + " default_version = ?, updated = ? WHERE name = ?",
              in.has("description") ? text(in, "description") : t.description(),
              in.path("enabled").asBoolean(t.enabled()),
              in.has("provisioningRoleArn") ? text(in, "provisioningRoleArn") : t.role(),
              version(sql, t.name(), number).number(),
              clock.instant(),
              t.name());
          return Answers.object();
        });
  }

  private ObjectNode delete(CallContext call, ObjectNode in) {
    return store.write(
        sql -> {
          String name = require(sql, text(in, "templateName")).name();
          sql.update("DELETE FROM provisioning_template_versions WHERE template = ?", name);
          sql.update("DELETE FROM provisioning_templates WHERE name = ?", name);
          RegistryTags.deleteAll(sql, arn(name));
          return Answers.object();
        });
  }

  private ObjectNode createVersion(CallContext call, ObjectNode in) {
    checkBody(text(in, "templateBody"));
    boolean isDefault = in.path("setAsDefault").asBoolean(false);
    return store.write(
        sql -> {
          Template t = require(sql, text(in, "templateName"));
          if (versions(sql, t.name()).size() >= MAX_VERSIONS) {
            throw Answers.conflict(
                "VersionsLimitExceededException",
                "Provisioning template "
                    + t.name()
                    + " has "
                    + MAX_VERSIONS
                    + " versions; delete one with delete-provisioning-template-version");
          }
          insert(sql, t.name(), t.nextVersion(), text(in, "templateBody"));
          sql.update(
              "UPDATE provisioning_templates SET next_version = ?, default_version = ?, updated = ?"
                  + " WHERE name = ?",
              t.nextVersion() + 1,
              isDefault ? t.nextVersion() : t.defaultVersion(),
              clock.instant(),
              t.name());
          return Answers.object()
              .put("templateArn", arn(t.name()))
              .put("templateName", t.name())
              .put("versionId", t.nextVersion())
              .put("isDefaultVersion", isDefault);
        });
  }

  private ObjectNode described(Template t, Version v) {
    return Answers.object()
        .put("versionId", v.number())
        .put("creationDate", v.created() / 1000)
        .put("isDefaultVersion", v.number() == t.defaultVersion());
  }

  private ObjectNode describeVersion(CallContext call, ObjectNode in) {
    return store.read(
        sql -> {
          Template t = require(sql, text(in, "templateName"));
          Version v = version(sql, t.name(), in.path("versionId").asLong());
          return described(t, v).put("templateBody", v.body());
        });
  }

  private ObjectNode listVersions(CallContext call, ObjectNode in) {
    return store.read(
        sql -> {
          Template t = require(sql, text(in, "templateName"));
          return Answers.page(
              in,
              Answers.Paging.RESULTS,
              "versions",
              versions(sql, t.name()),
              v -> Answers.moment(v.number(), ""),
              true,
              (v, out) -> out.add(described(t, v)));
        });
  }

  private ObjectNode deleteVersion(CallContext call, ObjectNode in) {
    return store.write(
        sql -> {
          Template t = require(sql, text(in, "templateName"));
          Version v = version(sql, t.name(), in.path("versionId").asLong());
          if (v.number() == t.defaultVersion()) {
            throw Answers.conflict(
                "DeleteConflictException",
                "Cannot delete the default version of template "
                    + t.name()
                    + "; make another default");
          }
          sql.update(
              "DELETE FROM provisioning_template_versions WHERE template = ? AND version = ?",
              t.name(),
              v.number());
          return Answers.object();
        });
  }
}
