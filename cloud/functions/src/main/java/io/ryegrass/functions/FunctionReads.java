package io.ryegrass.functions;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.functions.FunctionTables.FunctionRow;
import io.ryegrass.functions.FunctionTables.VersionRow;
import io.ryegrass.objects.ObjectStore;
import io.ryegrass.store.CloudStore;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Operations that show functions. */
final class FunctionReads {
  private static final Duration LOCATION_VALIDITY = Duration.ofMinutes(10);

  private final CloudStore store;
  private final ObjectStore objects;
  private final FunctionDirectory directory;
  private final String region;
  private final URI presignBase;

  FunctionReads(
      CloudStore store,
      ObjectStore objects,
      FunctionDirectory directory,
      String region,
      URI presignBase) {
    this.store = store;
    this.objects = objects;
    this.directory = directory;
    this.region = region;
    this.presignBase = presignBase;
  }

  ObjectNode get(CallContext c, ObjectNode in) {
    FunctionName name = FunctionDirectory.name(in);
    return store.read(
        sql -> {
          VersionRow row = directory.requiredVersion(sql, name.name(), name.qualifier());
          ObjectNode out = JsonNodeFactory.instance.objectNode();
          out.set("Configuration", directory.configuration(row, name.qualifier()));
          out.putObject("Code")
              .put("RepositoryType", "S3")
              .put(
                  "Location",
                  objects.presignGet(
                      presignBase, region, Packages.BUCKET, row.codeKey(), LOCATION_VALIDITY));
          ObjectNode tags = directory.required(sql, name.name()).tags();
          if (!tags.isEmpty()) {
            out.set("Tags", tags);
          }
          return out;
        });
  }

  ObjectNode getConfiguration(CallContext c, ObjectNode in) {
    FunctionName name = FunctionDirectory.name(in);
    return store.read(
        sql ->
            directory.configuration(
                directory.requiredVersion(sql, name.name(), name.qualifier()), name.qualifier()));
  }

  ObjectNode list(CallContext c, ObjectNode in) {
    int most = Calls.pageSize(in);
    boolean all = in.path("FunctionVersion").asString("").equals("ALL");
    return store.read(
        sql -> {
          ObjectNode out = JsonNodeFactory.instance.objectNode();
          ArrayNode functions = out.putArray("Functions");
          List<FunctionRow> rows = FunctionTables.functions(sql, Calls.marker(in), most + 1);
          for (FunctionRow row : rows.subList(0, Math.min(most, rows.size()))) {
            if (all) {
              // A page may be longer than asked for: the versions of one function stay together.
              FunctionTables.versions(sql, row.name(), 0, 10_000)
                  .forEach(v -> functions.add(directory.configuration(v, true)));
            } else {
              functions.add(directory.configuration(directory.latest(sql, row.name()), false));
            }
          }
          if (rows.size() > most) {
            out.put("NextMarker", Calls.marker(rows.get(most - 1).name()));
          }
          return out;
        });
  }

  ObjectNode listVersions(CallContext c, ObjectNode in) {
    String name = FunctionDirectory.name(in).name();
    int most = Calls.pageSize(in);
    String after = Calls.marker(in);
    int from = after.matches("\\d{1,9}") ? Integer.parseInt(after) + 1 : 0;
    return store.read(
        sql -> {
          directory.required(sql, name);
          ObjectNode out = JsonNodeFactory.instance.objectNode();
          ArrayNode versions = out.putArray("Versions");
          List<VersionRow> rows = FunctionTables.versions(sql, name, from, most + 1);
          rows.stream().limit(most).forEach(v -> versions.add(directory.configuration(v, true)));
          if (rows.size() > most) {
            out.put("NextMarker", Calls.marker(Integer.toString(rows.get(most - 1).version())));
          }
          return out;
        });
  }
}
