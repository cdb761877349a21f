package io.ryegrass.registry;

import static io.ryegrass.registry.Answers.text;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/**
 * Role aliases: names under which devices get credentials of a role. As with IoT Core the role need
 * not be there yet; whether it is, and trusts the credentials provider, shows when a device asks.
 */
final class RoleAliases {
  private static final long DEFAULT_SECONDS = 3600;

  private final CloudStore store;
  private final Registry registry;
  private final Clock clock;

  RoleAliases(CloudStore store, Registry registry, Clock clock) {
    this.store = store;
    this.registry = registry;
    this.clock = clock;
  }

  private record Stored(String alias, String roleArn, long seconds, long created, long updated) {
    static Stored of(Row row) {
      return new Stored(
          row.text("alias"),
          row.text("role_arn"),
          row.number("seconds"),
          row.number("created"),
          row.number("updated"));
    }
  }

  void serve(ServiceOperations.Builder iot) {
    iot.json("CreateRoleAlias", this::create)
        .json("DescribeRoleAlias", this::describe)
        .json("ListRoleAliases", this::list)
        .json("UpdateRoleAlias", this::update)
        .json("DeleteRoleAlias", this::delete);
  }

  Optional<RoleAlias> find(String alias) {
    return store
        .read(sql -> find(sql, alias))
        .map(
            s ->
                new RoleAlias(
                    s.alias(), arn(s.alias()), s.roleArn(), Duration.ofSeconds(s.seconds())));
  }

  private static Optional<Stored> find(Sql sql, String alias) {
    return sql.one("SELECT * FROM role_aliases WHERE alias = ?", Stored::of, alias);
  }

  private static Stored require(Sql sql, String alias) {
    return find(sql, alias)
        .orElseThrow(() -> Answers.missing("RoleAlias not found (name= " + alias + ")"));
  }

  private ObjectNode create(CallContext call, ObjectNode in) {
    String alias = text(in, "roleAlias");
    return registry.change(
        sql -> {
          if (find(sql, alias).isPresent()) {
            throw Answers.exists("Role alias " + alias + " already exists", alias, arn(alias));
          }
          sql.update(
              "INSERT INTO role_aliases (alias, role_arn, seconds, created, updated)"
                  + " VALUES (?, ?, ?, ?, ?)",
              alias,
              text(in, "roleArn"),
              in.path("credentialDurationSeconds").asLong(DEFAULT_SECONDS),
              clock.instant(),
              clock.instant());
          RegistryTags.put(sql, arn(alias), in.path("tags"));
          return Answers.object().put("roleAlias", alias).put("roleAliasArn", arn(alias));
        });
  }

  private ObjectNode describe(CallContext call, ObjectNode in) {
    Stored alias = store.read(sql -> require(sql, text(in, "roleAlias")));
    ObjectNode out = Answers.object();
    out.putObject("roleAliasDescription")
        .put("roleAlias", alias.alias())
        .put("roleAliasArn", arn(alias.alias()))
        .put("roleArn", alias.roleArn())
        .put("owner", registry.account())
        .put("credentialDurationSeconds", alias.seconds())
        .put("creationDate", alias.created() / 1000.0)
        .put("lastModifiedDate", alias.updated() / 1000.0);
    return out;
  }

  private ObjectNode list(CallContext call, ObjectNode in) {
    List<Stored> all =
        store.read(
            sql -> sql.list("SELECT * FROM role_aliases ORDER BY alias LIMIT 10000", Stored::of));
    return Answers.page(
        in,
        Answers.Paging.MARKED,
        "roleAliases",
        all,
        a -> Answers.moment(a.created(), a.alias()),
        (a, out) -> out.add(a.alias()));
  }

  private ObjectNode update(CallContext call, ObjectNode in) {
    return registry.change(
        sql -> {
          Stored alias = require(sql, text(in, "roleAlias"));
          sql.update(
              "UPDATE role_aliases SET role_arn = ?, seconds = ?, updated = ? WHERE alias = ?",
              in.has("roleArn") ? text(in, "roleArn") : alias.roleArn(),
              in.path("credentialDurationSeconds").asLong(alias.seconds()),
              clock.instant(),
              alias.alias());
          return Answers.object()
              .put("roleAlias", alias.alias())
              .put("roleAliasArn", arn(alias.alias()));
        });
  }

  private ObjectNode delete(CallContext call, ObjectNode in) {
    return registry.change(
        sql -> {
          Stored alias = require(sql, text(in, "roleAlias"));
          sql.update("DELETE FROM role_aliases WHERE alias = ?", alias.alias());
          RegistryTags.deleteAll(sql, arn(alias.alias()));
          return Answers.object();
        });
  }

  private String arn(String alias) {
    return registry.arn("rolealias/" + alias);
  }
}
