package io.ryegrass.functions;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.functions.FunctionTables.FunctionRow;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import java.util.function.Consumer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Tags of functions. */
final class FunctionTags {
  private static final int MOST = 50;

  private final CloudStore store;
  private final FunctionDirectory directory;

  FunctionTags(CloudStore store, FunctionDirectory directory) {
    this.store = store;
    this.directory = directory;
  }

  ObjectNode tag(CallContext c, ObjectNode in) {
    return change(
        in,
        tags -> {
          in.path("Tags").properties().forEach(e -> tags.set(e.getKey(), e.getValue()));
          check(tags);
        });
  }

  ObjectNode untag(CallContext c, ObjectNode in) {
    return change(
        in,
        tags -> {
          for (JsonNode key : in.path("TagKeys")) {
            tags.remove(key.asString(""));
          }
        });
  }

  ObjectNode list(CallContext c, ObjectNode in) {
    return store.read(
        sql -> {
          ObjectNode out = JsonNodeFactory.instance.objectNode();
          out.set("Tags", function(sql, in).tags());
          return out;
        });
  }

  private ObjectNode change(ObjectNode in, Consumer<ObjectNode> change) {
    return store.write(
        sql -> {
          FunctionRow row = function(sql, in);
          ObjectNode tags = row.tags().deepCopy();
          change.accept(tags);
          FunctionTables.put(sql, new FunctionRow(row.name(), row.lastVersion(), tags));
          return JsonNodeFactory.instance.objectNode();
        });
  }

  /** Refuses what Lambda refuses of a function's tags. */
  static void check(ObjectNode tags) {
    if (tags.size() > MOST) {
      throw Calls.invalid("The number of tags exceeds the limit of " + MOST + ".");
    }
    for (String key : tags.propertyNames()) {
      if (key.isEmpty() || key.length() > 128) {
        throw Calls.invalid("Tag keys have 1 to 128 characters: '" + key + "'");
      }
      if (key.startsWith("aws:")) {
        throw Calls.invalid("Tag keys starting with 'aws:' are reserved: '" + key + "'");
      }
      if (tags.path(key).asString("").length() > 256) {
        throw Calls.invalid("The value of tag '" + key + "' is longer than 256 characters.");
      }
    }
  }

  private FunctionRow function(Sql sql, ObjectNode in) {
    FunctionName name = FunctionName.parse(in.path("Resource").asString(""), "");
    if (!name.qualifier().isEmpty()) {
      throw Calls.invalid(
          "Tags on function aliases and versions are not supported. Please specify a function"
              + " ARN.");
    }
    return directory.required(sql, name.name());
  }
}
