package io.ryegrass.functions;

import static io.ryegrass.functions.FunctionName.LATEST;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.functions.FunctionTables.FunctionRow;
import io.ryegrass.functions.FunctionTables.VersionRow;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Operations that make, change and delete functions. */
final class FunctionWrites {
  private final CloudStore store;
  private final Packages packages;
  private final FunctionDirectory directory;
  private final Clock clock;

  FunctionWrites(CloudStore store, Packages packages, FunctionDirectory directory, Clock clock) {
    this.store = store;
    this.packages = packages;
    this.directory = directory;
    this.clock = clock;
  }

  ObjectNode create(CallContext c, ObjectNode in) {
    String name = FunctionName.parse(in.path("FunctionName").asString(""), "").name();
    if (in.path("PackageType").asString("Zip").equals("Image")) {
      throw Calls.invalid(
          "Container images are not deployed to cores; create the function from a ZIP file.");
    }
    if (!in.has("Runtime") || !in.has("Handler")) {
      throw Calls.invalid(
          "Runtime and Handler are mandatory parameters for functions created with deployment packages.");
    }
    ObjectNode settings = JsonNodeFactory.instance.objectNode();
    settings.put("Timeout", 3);
    settings.put("MemorySize", 128);
    settings.put("Description", "");
    FunctionSettings.copy(in, settings);
    // Before the package is kept, so that a name that is taken costs no upload; the transaction
    // below decides.
    store.read(
        sql -> {
          refuseExisting(sql, name);
          return name;
        });
    Packages.Stored stored = packages.keep(name, in.path("Code"), c.identity());
    return store.write(
        sql -> {
          refuseExisting(sql, name);
          ObjectNode tags =
              in.path("Tags") instanceof ObjectNode given
                  ? given
                  : JsonNodeFactory.instance.objectNode();
          FunctionTables.put(sql, new FunctionRow(name, 0, tags));
          VersionRow latest =
              new VersionRow(
                  name,
                  0,
                  FunctionSettings.touched(settings, stored, clock.instant()),
                  stored.key());
          FunctionTables.put(sql, latest);
          return in.path("Publish").asBoolean(false)
              ? publishNow(sql, latest, "")
              : directory.configuration(latest, false);
        });
  }

  private void refuseExisting(Sql sql, String name) {
    if (FunctionTables.function(sql, name).isPresent()) {
      throw new AwsException("ResourceConflictException", 409, "Function already exist: " + name);
    }
  }

  ObjectNode updateCode(CallContext c, ObjectNode in) {
    String name = FunctionDirectory.unqualified(in);
    store.read(
        sql -> Calls.checkRevision(in, directory.latest(sql, name).configuration(), "GetFunction"));
    if (in.path("DryRun").asBoolean(false)) {
      return store.read(sql -> directory.configuration(directory.latest(sql, name), false));
    }
    Packages.Stored stored = packages.keep(name, in, c.identity());
    return store.write(
        sql -> {
          VersionRow before = directory.latest(sql, name);
          Calls.checkRevision(in, before.configuration(), "GetFunction");
          ObjectNode settings = before.configuration().deepCopy();
          FunctionSettings.copy(in.deepCopy().retain("Architectures"), settings);
          VersionRow after =
              new VersionRow(
                  name,
                  0,
                  FunctionSettings.touched(settings, stored, clock.instant()),
                  stored.key());
          FunctionTables.put(sql, after);
          deleteUnused(sql, name, before.codeKey());
          return in.path("Publish").asBoolean(false)
              ? publishNow(sql, after, "")
              : directory.configuration(after, false);
        });
  }

  ObjectNode updateConfiguration(CallContext c, ObjectNode in) {
    String name = FunctionDirectory.unqualified(in);
    return store.write(
        sql -> {
          VersionRow before = directory.latest(sql, name);
          Calls.checkRevision(in, before.configuration(), "GetFunction");
          ObjectNode settings = before.configuration().deepCopy();
          FunctionSettings.copy(in, settings);
          VersionRow after =
              new VersionRow(
                  name, 0, FunctionSettings.touched(settings, clock.instant()), before.codeKey());
          FunctionTables.put(sql, after);
          return directory.configuration(after, false);
        });
  }

  ObjectNode publish(CallContext c, ObjectNode in) {
    String name = FunctionDirectory.unqualified(in);
    return store.write(
        sql -> {
          VersionRow latest = directory.latest(sql, name);
          Calls.checkRevision(in, latest.configuration(), "GetFunction");
          String wanted = in.path("CodeSha256").asString("");
          String actual = latest.configuration().path("CodeSha256").asString("");
          if (!wanted.isEmpty() && !wanted.equals(actual)) {
            throw Calls.invalid(
                "CodeSHA256 ("
                    + wanted
                    + ") is different from current CodeSHA256 in $LATEST ("
                    + actual
                    + "). Please try again with the CodeSHA256 in $LATEST.");
          }
          return publishNow(sql, latest, in.path("Description").asString(""));
        });
  }

  /**
   * A new version, or the last one when neither code nor configuration changed since (as AWS does).
   */
  private ObjectNode publishNow(Sql sql, VersionRow latest, String description) {
    FunctionRow function = directory.required(sql, latest.name());
    Optional<VersionRow> last = FunctionTables.version(sql, latest.name(), function.lastVersion());
    if (function.lastVersion() > 0
        && last.isPresent()
        && comparable(last.get()).equals(comparable(latest))) {
      return directory.configuration(last.get(), true);
    }
    ObjectNode settings = latest.configuration().deepCopy();
    if (!description.isEmpty()) {
      settings.put("Description", description);
    }
    settings.put("RevisionId", UUID.randomUUID().toString());
    VersionRow published =
        new VersionRow(latest.name(), function.lastVersion() + 1, settings, latest.codeKey());
    FunctionTables.put(sql, new FunctionRow(function.name(), published.version(), function.tags()));
    FunctionTables.put(sql, published);
    return directory.configuration(published, true);
  }

  private static ObjectNode comparable(VersionRow row) {
    return row.configuration()
        .deepCopy()
        .remove(List.of("RevisionId", "LastModified", "Description"));
  }

  ObjectNode delete(CallContext c, ObjectNode in) {
    FunctionName name = FunctionDirectory.name(in);
    return store.write(
        sql -> {
          directory.required(sql, name.name());
          if (name.qualifier().isEmpty()) {
            List<String> keys =
                sql.list(
                    "SELECT DISTINCT code_key FROM function_versions WHERE name = ?",
                    row -> row.text("code_key"),
                    name.name());
            sql.update("DELETE FROM function_versions WHERE name = ?", name.name());
            sql.update("DELETE FROM function_aliases WHERE name = ?", name.name());
            sql.update("DELETE FROM function_permissions WHERE name = ?", name.name());
            sql.update("DELETE FROM function_policy_revisions WHERE name = ?", name.name());
            sql.update("DELETE FROM functions WHERE name = ?", name.name());
            store.afterCommit(() -> keys.forEach(packages::delete));
          } else {
            deleteVersion(sql, name);
          }
          return JsonNodeFactory.instance.objectNode();
        });
  }

  private void deleteVersion(Sql sql, FunctionName name) {
    if (name.qualifier().equals(LATEST)) {
      throw Calls.invalid("$LATEST version cannot be deleted without deleting the function.");
    }
    if (!name.isVersionNumber()) {
      throw Calls.invalid(
          "Deletion of an alias is done by DeleteAlias; give the number of a version.");
    }
    Optional<VersionRow> row = FunctionDirectory.version(sql, name.name(), name.qualifier());
    if (row.isEmpty()) {
      return; // as at AWS: deleting what is not there succeeds
    }
    List<String> users =
        sql.list(
            "SELECT alias FROM function_aliases WHERE name = ? AND version = ? ORDER BY alias LIMIT 10",
            r -> r.text("alias"),
            name.name(),
            name.qualifier());
    if (!users.isEmpty()) {
      throw new AwsException(
          "ResourceConflictException",
          409,
          "Version "
              + name.qualifier()
              + " of "
              + name.name()
              + " is in use by the aliases "
              + users
              + "; point them elsewhere first.");
    }
    sql.update(
        "DELETE FROM function_versions WHERE name = ? AND version = ?",
        name.name(),
        row.get().version());
    deleteUnused(sql, name.name(), row.get().codeKey());
  }

  private void deleteUnused(Sql sql, String name, String key) {
    if (sql.count(
            "SELECT COUNT(*) AS n FROM function_versions WHERE name = ? AND code_key = ?",
            name,
            key)
        == 0) {
      store.afterCommit(() -> packages.delete(key));
    }
  }
}
