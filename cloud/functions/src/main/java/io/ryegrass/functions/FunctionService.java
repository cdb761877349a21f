package io.ryegrass.functions;

import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.functions.FunctionTables.AliasRow;
import io.ryegrass.functions.FunctionTables.VersionRow;
import io.ryegrass.objects.ObjectStore;
import io.ryegrass.objects.ReadAccess;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import java.net.URI;
import java.time.Clock;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/**
 * Functions, versions and aliases: the Lambda API as far as Greengrass needs it. Safe for any
 * number of threads.
 */
public final class FunctionService {
  private final CloudStore store;
  private final Packages packages;
  private final FunctionDirectory directory;
  private final FunctionWrites writes;
  private final FunctionReads reads;
  private final Aliases aliases;
  private final FunctionTags tags;
  private final FunctionPolicies policies;
  private final NotHere notHere;

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
    this.packages = new Packages(objects, access);
    this.directory = new FunctionDirectory(region, accountId);
    this.writes = new FunctionWrites(store, packages, directory, clock);
    this.reads = new FunctionReads(store, objects, directory, region, presignBase);
    this.aliases = new Aliases(store, directory);
    this.tags = new FunctionTags(store, directory);
    this.policies = new FunctionPolicies(store, directory);
    this.notHere = new NotHere(store, directory);
  }

  /** Schema of this module. */
  public static List<Migration> migrations() {
    return FunctionTables.MIGRATIONS;
  }

  /** The operations of service {@code lambda}. */
  public ServiceOperations lambda() {
    return ServiceOperations.of("lambda")
        .json("CreateFunction", writes::create)
        .json("UpdateFunctionCode", writes::updateCode)
        .json("UpdateFunctionConfiguration", writes::updateConfiguration)
        .json("PublishVersion", writes::publish)
        .json("DeleteFunction", writes::delete)
        .json("GetFunction", reads::get)
        .json("GetFunctionConfiguration", reads::getConfiguration)
        .json("ListFunctions", reads::list)
        .json("ListVersionsByFunction", reads::listVersions)
        .json("CreateAlias", aliases::create)
        .json("UpdateAlias", aliases::update)
        .json("GetAlias", aliases::get)
        .json("ListAliases", aliases::list)
        .json("DeleteAlias", aliases::delete)
        .json("TagResource", tags::tag)
        .json("UntagResource", tags::untag)
        .json("ListTags", tags::list)
        .json("AddPermission", policies::add)
        .json("RemovePermission", policies::remove)
        .json("GetPolicy", policies::get)
        .json("GetAccountSettings", notHere::accountSettings)
        .json("GetFunctionConcurrency", notHere::concurrency)
        .json("DeleteFunctionConcurrency", notHere::concurrency)
        .json("GetFunctionCodeSigningConfig", notHere::codeSigning)
        .json("GetFunctionEventInvokeConfig", notHere::eventInvokeConfig)
        .json("ListFunctionEventInvokeConfigs", notHere::eventInvokeConfigs)
        .json("ListProvisionedConcurrencyConfigs", notHere::provisionedConcurrency)
        .json("ListEventSourceMappings", notHere::eventSources)
        .json("Invoke", notHere::invoke)
        .build();
  }

  /**
   * The published version that an ARN names by number or by alias. Empty when there is none, and
   * for ARNs without a version or with {@code $LATEST}: Greengrass deploys published versions only.
   */
  public Optional<FunctionVersion> resolve(String arnOrAliasArn) {
    String prefix = directory.arn("", "");
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
        directory.arn(row.name(), Integer.toString(row.version())),
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
}
