package io.ryegrass.functions;

import static io.ryegrass.functions.FunctionName.LATEST;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.functions.FunctionTables.AliasRow;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import java.util.List;
import java.util.UUID;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Names that point to a version of a function. */
final class Aliases {
  private final CloudStore store;
  private final FunctionDirectory functions;

  Aliases(CloudStore store, FunctionDirectory functions) {
    this.store = store;
    this.functions = functions;
  }

  ObjectNode create(CallContext c, ObjectNode in) {
    String function = name(in);
    String alias = in.path("Name").asString("");
    return store.write(
        sql -> {
          functions.required(sql, function);
          if (FunctionTables.alias(sql, function, alias).isPresent()) {
            throw new AwsException(
                "ResourceConflictException",
                409,
                "Alias already exists: " + functions.arn(function, alias));
          }
          return save(sql, function, alias, JsonNodeFactory.instance.objectNode(), in);
        });
  }

  ObjectNode update(CallContext c, ObjectNode in) {
    String function = name(in);
    String alias = in.path("Name").asString("");
    return store.write(
        sql -> {
          AliasRow row = required(sql, function, alias);
          Calls.checkRevision(in, row.configuration(), "GetAlias");
          ObjectNode merged = in.deepCopy();
          if (!merged.has("FunctionVersion")) {
            merged.put("FunctionVersion", row.version());
          }
          return save(sql, function, alias, row.configuration(), merged);
        });
  }

  private ObjectNode save(
      Sql sql, String function, String alias, ObjectNode before, ObjectNode in) {
    String version = in.path("FunctionVersion").asString("");
    functions.requiredVersion(sql, function, version);
    ObjectNode configuration = before.deepCopy();
    for (String member : List.of("Description", "RoutingConfig")) {
      if (in.has(member)) {
        configuration.set(member, in.path(member));
      }
    }
    checkWeights(sql, function, version, configuration);
    configuration.put("RevisionId", UUID.randomUUID().toString());
    AliasRow row = new AliasRow(function, alias, version, configuration);
    FunctionTables.put(sql, row);
    return tree(row);
  }

  /** Weights are kept and shown; a core gets the version that the alias itself points to. */
  private void checkWeights(Sql sql, String function, String version, ObjectNode configuration) {
    JsonNode weights = configuration.path("RoutingConfig").path("AdditionalVersionWeights");
    if (configuration.has("RoutingConfig") && weights.isEmpty()) {
      configuration.remove("RoutingConfig");
      return;
    }
    for (String other : weights.propertyNames()) {
      if (version.equals(LATEST) || other.equals(LATEST)) {
        throw Calls.invalid(
            "$LATEST is not supported for an alias pointing to more than 1 version");
      }
      if (other.equals(version) || weights.size() > 1) {
        throw Calls.invalid(
            "Invalid Additional Version Weights: an alias points to at most two different versions");
      }
      double weight = weights.path(other).asDouble(0);
      if (weight < 0 || weight > 1) {
        throw Calls.invalid("Weight " + weight + " of version " + other + " must be from 0 to 1");
      }
      functions.requiredVersion(sql, function, other);
    }
  }

  ObjectNode get(CallContext c, ObjectNode in) {
    String function = name(in);
    return store.read(sql -> tree(required(sql, function, in.path("Name").asString(""))));
  }

  ObjectNode list(CallContext c, ObjectNode in) {
    String function = name(in);
    String version = in.path("FunctionVersion").asString("");
    int most = Calls.pageSize(in);
    return store.read(
        sql -> {
          functions.required(sql, function);
          List<AliasRow> rows = FunctionTables.aliases(sql, function, Calls.marker(in), most + 1);
          ObjectNode out = JsonNodeFactory.instance.objectNode();
          ArrayNode list = out.putArray("Aliases");
          rows.stream()
              .limit(most)
              .filter(a -> version.isEmpty() || a.version().equals(version))
              .forEach(a -> list.add(tree(a)));
          if (rows.size() > most) {
            out.put("NextMarker", Calls.marker(rows.get(most - 1).alias()));
          }
          return out;
        });
  }

  /** Deleting an alias that is not there succeeds, as at AWS. */
  ObjectNode delete(CallContext c, ObjectNode in) {
    String function = name(in);
    return store.write(
        sql -> {
          sql.update(
              "DELETE FROM function_aliases WHERE name = ? AND alias = ?",
              function,
              in.path("Name").asString(""));
          return JsonNodeFactory.instance.objectNode();
        });
  }

  private AliasRow required(Sql sql, String function, String alias) {
    functions.required(sql, function);
    return FunctionTables.alias(sql, function, alias)
        .orElseThrow(
            () ->
                new AwsException(
                    "ResourceNotFoundException",
                    404,
                    "Cannot find alias arn: " + functions.arn(function, alias)));
  }

  private ObjectNode tree(AliasRow row) {
    ObjectNode out = row.configuration().deepCopy();
    out.put("AliasArn", functions.arn(row.name(), row.alias()));
    out.put("Name", row.alias());
    out.put("FunctionVersion", row.version());
    if (!out.has("Description")) {
      out.put("Description", "");
    }
    return out;
  }

  private static String name(ObjectNode in) {
    FunctionName name = FunctionName.parse(in.path("FunctionName").asString(""), "");
    if (!name.qualifier().isEmpty() && !name.qualifier().equals(LATEST)) {
      throw new AwsException(
          "InvalidParameterValueException",
          400,
          "An alias belongs to a function, not to a version; leave the qualifier out.");
    }
    return name.name();
  }
}
