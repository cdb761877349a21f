package io.ryegrass.functions;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What belongs to running functions, which cores do. Who asks is told that nothing is set; who
 * wants one invoked, where that is done.
 */
final class NotHere {
  private static final long LARGEST_UNZIPPED = 262_144_000;
  private static final long LARGEST_ZIPPED = 52_428_800;
  private static final long ALL_CODE = 80_530_636_800L;
  private static final int CONCURRENT = 1000;

  private final CloudStore store;
  private final FunctionDirectory directory;

  NotHere(CloudStore store, FunctionDirectory directory) {
    this.store = store;
    this.directory = directory;
  }

  ObjectNode invoke(CallContext c, ObjectNode in) {
    FunctionName name = exists(in);
    throw Calls.invalid(
        directory.arn(name.name(), name.qualifier())
            + " cannot be invoked here: functions run on Greengrass cores. Deploy a published"
            + " version to a core and send a message to one of its topics.");
  }

  ObjectNode accountSettings(CallContext c, ObjectNode in) {
    return store.read(
        sql -> {
          ObjectNode out = JsonNodeFactory.instance.objectNode();
          out.putObject("AccountLimit")
              .put("TotalCodeSize", ALL_CODE)
              .put("CodeSizeUnzipped", LARGEST_UNZIPPED)
              .put("CodeSizeZipped", LARGEST_ZIPPED)
              .put("ConcurrentExecutions", CONCURRENT)
              .put("UnreservedConcurrentExecutions", CONCURRENT);
          out.putObject("AccountUsage")
              .put("TotalCodeSize", codeSize(sql))
              .put("FunctionCount", sql.count("SELECT COUNT(*) AS n FROM functions"));
          return out;
        });
  }

  private static long codeSize(Sql sql) {
    long sum = 0;
    String after = "";
    while (true) {
      var page = FunctionTables.functions(sql, after, 100);
      if (page.isEmpty()) {
        return sum;
      }
      for (var function : page) {
        sum +=
            FunctionTables.versions(sql, function.name(), 0, 10_000).stream()
                .mapToLong(v -> v.configuration().path("CodeSize").asLong(0))
                .sum();
      }
      after = page.getLast().name();
    }
  }

  /** Neither reserved nor to be freed. */
  ObjectNode concurrency(CallContext c, ObjectNode in) {
    exists(in);
    return JsonNodeFactory.instance.objectNode();
  }

  ObjectNode codeSigning(CallContext c, ObjectNode in) {
    return JsonNodeFactory.instance.objectNode().put("FunctionName", exists(in).name());
  }

  ObjectNode eventInvokeConfig(CallContext c, ObjectNode in) {
    FunctionName name = exists(in);
    throw new AwsException(
        "ResourceNotFoundException",
        404,
        "The function "
            + directory.arn(name.name(), name.qualifier().isEmpty() ? "$LATEST" : name.qualifier())
            + " doesn't have an EventInvokeConfig");
  }

  ObjectNode eventInvokeConfigs(CallContext c, ObjectNode in) {
    exists(in);
    return empty("FunctionEventInvokeConfigs");
  }

  ObjectNode provisionedConcurrency(CallContext c, ObjectNode in) {
    exists(in);
    return empty("ProvisionedConcurrencyConfigs");
  }

  ObjectNode eventSources(CallContext c, ObjectNode in) {
    return empty("EventSourceMappings");
  }

  private static ObjectNode empty(String list) {
    ObjectNode out = JsonNodeFactory.instance.objectNode();
    out.putArray(list);
    return out;
  }

  private FunctionName exists(ObjectNode in) {
    FunctionName name = FunctionDirectory.name(in);
    return store.read(
        sql -> {
          directory.requiredVersion(sql, name.name(), name.qualifier());
          return name;
        });
  }
}
