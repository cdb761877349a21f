package io.ryegrass.functions;

import static io.ryegrass.functions.FunctionName.LATEST;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.functions.FunctionTables.AliasRow;
import io.ryegrass.functions.FunctionTables.FunctionRow;
import io.ryegrass.functions.FunctionTables.VersionRow;
import io.ryegrass.objects.ObjectStore;
import io.ryegrass.objects.ReadAccess;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import io.ryegrass.store.Sql;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Functions, versions and aliases: the Lambda API as far as Greengrass needs it. Safe for any
 * number of threads.
 */
public final class FunctionService {
  private static final Duration LOCATION_VALIDITY = Duration.ofMinutes(10);

  private final CloudStore store;
  private final ObjectStore objects;
  private final Packages packages;
  private final Aliases aliases;
  private final String region;
  private final String accountId;
  private final Clock clock;
  private final URI presignBase;

  /**
   * @param access asked before a package is taken from a bucket for a caller
   * @param presignBase where the S3 API is reached by those who fetch a package with {@code
   *     Code.Location}
   */
  public FunctionService(
      CloudStore store,
      ObjectStore objects,
      ReadAccess access,
      String region,
      String accountId,
      Clock clock,
      URI presignBase) {
    this.store = store;
    this.objects = objects;
    this.packages = new Packages(objects, access);
    this.aliases = new Aliases(store, this);
    this.region = region;
    this.accountId = accountId;
    this.clock = clock;
    this.presignBase = presignBase;
  }

  /** Schema of this module. */
  public static List<Migration> migrations() {
    return FunctionTables.MIGRATIONS;
  }

  /** The operations of service {@code lambda}. */
  public ServiceOperations lambda() {
    return ServiceOperations.of("lambda")
        .json("CreateFunction", this::create)
        .json("UpdateFunctionCode", this::updateCode)
        .json("UpdateFunctionConfiguration", this::updateConfiguration)
        .json("PublishVersion", this::publish)
        .json("GetFunction", this::get)
        .json("GetFunctionConfiguration", this::getConfiguration)
        .json("ListFunctions", this::list)
        .json("ListVersionsByFunction", this::listVersions)
        .json("DeleteFunction", this::delete)
        .json("CreateAlias", aliases::create)
        .json("UpdateAlias", aliases::update)
        .json("GetAlias", aliases::get)
        .json("ListAliases", aliases::list)
        .json("DeleteAlias", aliases::delete)
        .build();
  }

  /**
   * The published version that an ARN names by number or by alias. Empty when there is none, and
   * for ARNs without a version or with {@code $LATEST}: Greengrass deploys published versions only.
   */
  public Optional<FunctionVersion> resolve(String arnOrAliasArn) {
    String prefix = arn("", "");
    if (!arnOrAliasArn.startsWith(prefix)) {
      return Optional.empty();
    }
    String[] parts = arnOrAliasArn.substring(prefix.length()).split(":", -1);
    if (parts.length != 2) {
      return Optional.empty();
    }
    return store.read(
        sql -> {
          String qualifier = parts[1];
          if (!qualifier.matches("\\d{1,9}")) {
            qualifier =
                FunctionTables.alias(sql, parts[0], qualifier).map(AliasRow::version).orElse("");
          }
          return qualifier.matches("\\d{1,9}") && Integer.parseInt(qualifier) > 0
              ? FunctionTables.version(sql, parts[0], Integer.parseInt(qualifier)).map(this::value)
              : Optional.<FunctionVersion>empty();
        });
  }

  private FunctionVersion value(VersionRow row) {
    ObjectNode c = row.configuration();
    Map<String, String> environment = new LinkedHashMap<>();
    c.path("Environment")
        .path("Variables")
        .propertyStream()
        .forEach(e -> environment.put(e.getKey(), e.getValue().asString("")));
    String key = row.codeKey();
    return new FunctionVersion(
        arn(row.name(), Integer.toString(row.version())),
        row.name(),
        Integer.toString(row.version()),
        c.path("Runtime").asString(""),
        c.path("Handler").asString(""),
        c.path("Timeout").asInt(3),
        c.path("MemorySize").asInt(128),
        environment,
        c.path("CodeSha256").asString(""),
        c.path("CodeSize").asLong(0),
        () -> packages.read(key));
  }

  // ---- writing

  private ObjectNode create(CallContext c, ObjectNode in) {
    String name = FunctionName.parse(in.path("FunctionName").asString(""), "").name();
    if (in.path("PackageType").asString("Zip").equals("Image")) {
      throw invalid(
          "Container images are not deployed to cores; create the function from a ZIP file.");
    }
    if (!in.has("Runtime") || !in.has("Handler")) {
      throw invalid(
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
              : configuration(latest, false);
        });
  }

  private void refuseExisting(Sql sql, String name) {
    if (FunctionTables.function(sql, name).isPresent()) {
      throw new AwsException("ResourceConflictException", 409, "Function already exist: " + name);
    }
  }

  private ObjectNode updateCode(CallContext c, ObjectNode in) {
    String name = unqualified(in);
    store.read(sql -> checkRevision(in, latest(sql, name).configuration(), "GetFunction"));
    if (in.path("DryRun").asBoolean(false)) {
      return store.read(sql -> configuration(latest(sql, name), false));
    }
    Packages.Stored stored = packages.keep(name, in, c.identity());
    return store.write(
        sql -> {
          VersionRow before = latest(sql, name);
          checkRevision(in, before.configuration(), "GetFunction");
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
              : configuration(after, false);
        });
  }

  private ObjectNode updateConfiguration(CallContext c, ObjectNode in) {
    String name = unqualified(in);
    return store.write(
        sql -> {
          VersionRow before = latest(sql, name);
          checkRevision(in, before.configuration(), "GetFunction");
          ObjectNode settings = before.configuration().deepCopy();
          FunctionSettings.copy(in, settings);
          VersionRow after =
              new VersionRow(
                  name, 0, FunctionSettings.touched(settings, clock.instant()), before.codeKey());
          FunctionTables.put(sql, after);
          return configuration(after, false);
        });
  }

  private ObjectNode publish(CallContext c, ObjectNode in) {
    String name = unqualified(in);
    return store.write(
        sql -> {
          VersionRow latest = latest(sql, name);
          checkRevision(in, latest.configuration(), "GetFunction");
          String wanted = in.path("CodeSha256").asString("");
          String actual = latest.configuration().path("CodeSha256").asString("");
          if (!wanted.isEmpty() && !wanted.equals(actual)) {
            throw invalid(
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
    FunctionRow function = required(sql, latest.name());
    Optional<VersionRow> last = FunctionTables.version(sql, latest.name(), function.lastVersion());
    if (function.lastVersion() > 0
        && last.isPresent()
        && comparable(last.get()).equals(comparable(latest))) {
      return configuration(last.get(), true);
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
    return configuration(published, true);
  }

  private static ObjectNode comparable(VersionRow row) {
    return row.configuration()
        .deepCopy()
        .remove(List.of("RevisionId", "LastModified", "Description"));
  }

  private ObjectNode delete(CallContext c, ObjectNode in) {
    FunctionName name = name(in);
    return store.write(
        sql -> {
          required(sql, name.name());
          if (name.qualifier().isEmpty()) {
            List<String> keys =
                sql.list(
                    "SELECT DISTINCT code_key FROM function_versions WHERE name = ?",
                    row -> row.text("code_key"),
                    name.name());
            sql.update("DELETE FROM function_versions WHERE name = ?", name.name());
            sql.update("DELETE FROM function_aliases WHERE name = ?", name.name());
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
      throw invalid("$LATEST version cannot be deleted without deleting the function.");
    }
    if (!name.isVersionNumber()) {
      throw invalid("Deletion of an alias is done by DeleteAlias; give the number of a version.");
    }
    Optional<VersionRow> row = version(sql, name.name(), name.qualifier());
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

  // ---- reading

  private ObjectNode get(CallContext c, ObjectNode in) {
    FunctionName name = name(in);
    return store.read(
        sql -> {
          VersionRow row = requiredVersion(sql, name.name(), name.qualifier());
          ObjectNode out = JsonNodeFactory.instance.objectNode();
          out.set("Configuration", configuration(row, name.qualifier()));
          out.putObject("Code")
              .put("RepositoryType", "S3")
              .put(
                  "Location",
                  objects.presignGet(
                      presignBase, region, Packages.BUCKET, row.codeKey(), LOCATION_VALIDITY));
          ObjectNode tags = required(sql, name.name()).tags();
          if (!tags.isEmpty()) {
            out.set("Tags", tags);
          }
          return out;
        });
  }

  private ObjectNode getConfiguration(CallContext c, ObjectNode in) {
    FunctionName name = name(in);
    return store.read(
        sql ->
            configuration(requiredVersion(sql, name.name(), name.qualifier()), name.qualifier()));
  }

  private ObjectNode list(CallContext c, ObjectNode in) {
    int most = pageSize(in);
    boolean all = in.path("FunctionVersion").asString("").equals("ALL");
    return store.read(
        sql -> {
          ObjectNode out = JsonNodeFactory.instance.objectNode();
          ArrayNode functions = out.putArray("Functions");
          List<FunctionRow> rows = FunctionTables.functions(sql, marker(in), most + 1);
          for (FunctionRow row : rows.subList(0, Math.min(most, rows.size()))) {
            if (all) {
              // A page may be longer than asked for: the versions of one function stay together.
              FunctionTables.versions(sql, row.name(), 0, 10_000)
                  .forEach(v -> functions.add(configuration(v, true)));
            } else {
              functions.add(configuration(latest(sql, row.name()), false));
            }
          }
          if (rows.size() > most) {
            out.put("NextMarker", marker(rows.get(most - 1).name()));
          }
          return out;
        });
  }

  private ObjectNode listVersions(CallContext c, ObjectNode in) {
    String name = name(in).name();
    int most = pageSize(in);
    String after = marker(in);
    int from = after.matches("\\d{1,9}") ? Integer.parseInt(after) + 1 : 0;
    return store.read(
        sql -> {
          required(sql, name);
          ObjectNode out = JsonNodeFactory.instance.objectNode();
          ArrayNode versions = out.putArray("Versions");
          List<VersionRow> rows = FunctionTables.versions(sql, name, from, most + 1);
          rows.stream().limit(most).forEach(v -> versions.add(configuration(v, true)));
          if (rows.size() > most) {
            out.put("NextMarker", marker(Integer.toString(rows.get(most - 1).version())));
          }
          return out;
        });
  }

  // ---- shared

  String arn(String name, String qualifier) {
    return "arn:aws:lambda:"
        + region
        + ":"
        + accountId
        + ":function:"
        + name
        + (qualifier.isEmpty() ? "" : ":" + qualifier);
  }

  FunctionRow required(Sql sql, String name) {
    return FunctionTables.function(sql, name).orElseThrow(() -> notFound(name, ""));
  }

  /** A version by number, alias, {@code $LATEST}, or the latest when the qualifier is empty. */
  VersionRow requiredVersion(Sql sql, String name, String qualifier) {
    return version(sql, name, qualifier).orElseThrow(() -> notFound(name, qualifier));
  }

  private AwsException notFound(String name, String qualifier) {
    return new AwsException(
        "ResourceNotFoundException", 404, "Function not found: " + arn(name, qualifier));
  }

  private static Optional<VersionRow> version(Sql sql, String name, String qualifier) {
    if (qualifier.isEmpty() || qualifier.equals(LATEST)) {
      return FunctionTables.version(sql, name, 0);
    }
    String number = qualifier;
    if (!number.matches("\\d{1,9}")) {
      Optional<AliasRow> alias = FunctionTables.alias(sql, name, qualifier);
      if (alias.isEmpty() || alias.get().version().equals(LATEST)) {
        return alias.isEmpty() ? Optional.empty() : FunctionTables.version(sql, name, 0);
      }
      number = alias.get().version();
    }
    int version = Integer.parseInt(number);
    return version == 0 ? Optional.empty() : FunctionTables.version(sql, name, version);
  }

  private VersionRow latest(Sql sql, String name) {
    return requiredVersion(sql, name, "");
  }

  private static FunctionName name(ObjectNode in) {
    return FunctionName.parse(
        in.path("FunctionName").asString(""), in.path("Qualifier").asString(""));
  }

  private static String unqualified(ObjectNode in) {
    FunctionName name = name(in);
    if (!name.qualifier().isEmpty() && !name.qualifier().equals(LATEST)) {
      throw invalid("Published versions never change; leave the qualifier out to change $LATEST.");
    }
    return name.name();
  }

  /** With the ARN as asked: a qualifier that was given comes back in it. */
  private ObjectNode configuration(VersionRow row, String qualifier) {
    ObjectNode out = configuration(row, false);
    out.put("FunctionArn", arn(row.name(), qualifier));
    return out;
  }

  /** Members of shape FunctionConfiguration. */
  private ObjectNode configuration(VersionRow row, boolean qualified) {
    String version = row.version() == 0 ? LATEST : Integer.toString(row.version());
    ObjectNode out = row.configuration().deepCopy();
    out.put("FunctionName", row.name());
    out.put("FunctionArn", arn(row.name(), qualified ? version : ""));
    out.put("Version", version);
    out.put("State", "Active");
    out.put("LastUpdateStatus", "Successful");
    out.put("PackageType", "Zip");
    if (!out.has("TracingConfig")) {
      out.putObject("TracingConfig").put("Mode", "PassThrough");
    }
    if (!out.has("Architectures")) {
      out.putArray("Architectures").add("x86_64");
    }
    if (!out.has("EphemeralStorage")) {
      out.putObject("EphemeralStorage").put("Size", 512);
    }
    out.putObject("SnapStart").put("ApplyOn", "None").put("OptimizationStatus", "Off");
    return out;
  }

  static String checkRevision(ObjectNode in, JsonNode current, String operation) {
    String wanted = in.path("RevisionId").asString("");
    String actual = current.path("RevisionId").asString("");
    if (!wanted.isEmpty() && !wanted.equals(actual)) {
      throw new AwsException(
          "PreconditionFailedException",
          412,
          "The Revision Id provided does not match the latest Revision Id. Call the "
              + operation
              + " API to retrieve the latest Revision Id");
    }
    return actual;
  }

  static int pageSize(ObjectNode in) {
    return Math.clamp(in.path("MaxItems").asInt(50), 1, 50);
  }

  static String marker(String last) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(last.getBytes(StandardCharsets.UTF_8));
  }

  static String marker(ObjectNode in) {
    try {
      return new String(
          Base64.getUrlDecoder().decode(in.path("Marker").asString("")), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw invalid("The Marker is not one that this service gave; start again without it.");
    }
  }

  static AwsException invalid(String message) {
    return new AwsException("InvalidParameterValueException", 400, message);
  }
}
