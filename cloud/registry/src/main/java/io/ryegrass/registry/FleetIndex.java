package io.ryegrass.registry;

import static io.ryegrass.registry.Answers.text;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.registry.query.IndexFields;
import io.ryegrass.registry.query.IndexQuery;
import io.ryegrass.registry.query.InvalidQueryException;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Fleet indexing over what the registry knows: names, types, groups and attributes. There is no
 * index beside the tables: a query reads them, so an answer is never behind.
 *
 * <p>Registry indexing is on from the start, as it costs nothing here. Indexing of shadows, of
 * connectivity and of Device Defender's findings is refused rather than promised.
 */
final class FleetIndex {
  static final String THINGS = "AWS_Things";
  static final String GROUPS = "AWS_ThingGroups";
  static final String QUERY_VERSION = "2017-09-30";

  private static final String SETTING = "indexing";
  private static final int BATCH = 1000;

  /** What is asked of the index when nothing else is said. */
  private static final int STANDARD_RESULTS = 100;

  private final CloudStore store;
  private final ThingRecords things;

  FleetIndex(CloudStore store, ThingRecords things) {
    this.store = store;
    this.things = things;
  }

  void serve(ServiceOperations.Builder iot) {
    iot.json("SearchIndex", this::search)
        .json("ListIndices", this::indices)
        .json("DescribeIndex", this::describe)
        .json("GetIndexingConfiguration", this::configuration)
        .json("UpdateIndexingConfiguration", this::configure)
        .json("GetCardinality", this::cardinality)
        .json("GetStatistics", this::statistics);
  }

  /** A thing as the index sees it. */
  private record ThingFields(ThingRecords.Thing thing, List<String> groups) implements IndexFields {
    @Override
    public List<String> values(String field) {
      return switch (field) {
        case "thingName" -> List.of(thing.name());
        case "thingId" -> List.of(thing.id());
        case "thingTypeName", "registry.thingTypeName" ->
            thing.type() == null ? List.of() : List.of(thing.type());
        case "thingGroupNames", "registry.thingGroupNames" -> allGroups();
        default -> attribute(thing.attributes(), field);
      };
    }

    /** The billing group counts among the groups. */
    private List<String> allGroups() {
      List<String> all = new ArrayList<>(groups);
      if (thing.billingGroup() != null) {
        all.add(thing.billingGroup());
      }
      return all;
    }

    @Override
    public Collection<String> all() {
      List<String> all = new ArrayList<>(allGroups());
      all.add(thing.name());
      all.add(thing.id());
      if (thing.type() != null) {
        all.add(thing.type());
      }
      thing.attributes().forEach(a -> all.add(a.asString("")));
      return all;
    }
  }

  /** A group as the index sees it. */
  private record GroupFields(ThingGroups.Group group, List<String> parents) implements IndexFields {
    @Override
    public List<String> values(String field) {
      return switch (field) {
        case "thingGroupName" -> List.of(group.name());
        case "thingGroupId" -> List.of(group.id());
        case "thingGroupDescription", "description" ->
            group.description() == null ? List.of() : List.of(group.description());
        case "parentGroupNames" -> parents;
        default -> attribute(group.attributes(), field);
      };
    }

    @Override
    public Collection<String> all() {
      List<String> all = new ArrayList<>(parents);
      all.add(group.name());
      all.add(group.id());
      if (group.description() != null) {
        all.add(group.description());
      }
      group.attributes().forEach(a -> all.add(a.asString("")));
      return all;
    }
  }

  private static List<String> attribute(ObjectNode attributes, String field) {
    if (!field.startsWith("attributes.")) {
      return List.of();
    }
    String value = attributes.path(field.substring("attributes.".length())).asString("");
    return value.isEmpty() ? List.of() : List.of(value);
  }

  /**
   * Reads a query of a thing index.
   *
   * @throws AwsException InvalidQueryException
   */
  static IndexQuery query(String text) {
    try {
      IndexQuery query = IndexQuery.parse(text);
      if (text.matches("(?s).*\\b(shadow|connectivity|deviceDefender)\\.[a-zA-Z].*")) {
        throw new InvalidQueryException(
            "The query is on shadows, connectivity or Device Defender, which are not indexed;"
                + " ask for thingName, thingTypeName, thingGroupNames and attributes.NAME");
      }
      return query;
    } catch (InvalidQueryException e) {
      throw new AwsException("InvalidQueryException", 400, String.valueOf(e.getMessage()));
    }
  }

  /** Whether a thing fulfils a query now. */
  static boolean matches(Sql sql, IndexQuery query, ThingRecords.Thing thing) {
    return query.matches(new ThingFields(thing, groups(sql, thing.name(), false)));
  }

  /** Without dynamic ones, a group cannot depend on another dynamic group, nor on itself. */
  private static List<String> groups(Sql sql, String thing, boolean dynamicToo) {
    return sql.list(
        "SELECT m.group_name FROM thing_group_members m JOIN thing_groups g"
            + " ON g.name = m.group_name WHERE m.thing = ?"
            + (dynamicToo ? "" : " AND g.query IS NULL")
            + " ORDER BY m.group_name LIMIT 1000",
        row -> row.text("group_name"),
        thing);
  }

  private static boolean isOn(Sql sql, String index) {
    ObjectNode settings = Settings.find(sql, SETTING).orElseGet(Answers::object);
    return index.equals(THINGS)
        ? !settings.path("things").path("thingIndexingMode").asString("REGISTRY").equals("OFF")
        : settings.path("groups").path("thingGroupIndexingMode").asString("ON").equals("ON");
  }

  static void requireThings(Sql sql) {
    if (!isOn(sql, THINGS)) {
      throw Answers.invalid(
          "Fleet indexing of things is off; switch it on with UpdateIndexingConfiguration");
    }
  }

  private String index(ObjectNode in) {
    String index = in.has("indexName") ? text(in, "indexName") : THINGS;
    boolean known = index.equals(THINGS) || index.equals(GROUPS);
    if (!known || !store.read(sql -> isOn(sql, index))) {
      throw Answers.missing("Index " + index + " does not exist");
    }
    if (in.has("queryVersion") && !text(in, "queryVersion").equals(QUERY_VERSION)) {
      throw Answers.invalid("'queryVersion' must be " + QUERY_VERSION);
    }
    return index;
  }

  private ObjectNode search(CallContext call, ObjectNode in) {
    String index = index(in);
    int most = Math.clamp(in.path("maxResults").asInt(STANDARD_RESULTS), 1, 500);
    Answers.Paging paging = Answers.Paging.RESULTS;
    String after = in.has(paging.token) ? paging.after(in) : "";
    ObjectNode out = Answers.object();
    ArrayNode thingList = out.putArray("things");
    ArrayNode groupList = out.putArray("thingGroups");
    IndexQuery query = query(text(in, "queryString"));
    String last = null;
    int found = 0;
    if (index.equals(THINGS)) {
      for (ThingFields one : things(query, after, most + 1)) {
        if (++found <= most) {
          write(one, thingList.addObject());
          last = Answers.moment(one.thing().created(), one.thing().name());
        }
      }
    } else {
      for (GroupFields one : groups(query, after)) {
        if (++found <= most) {
          write(one, groupList.addObject());
          last = one.group().name();
        }
      }
    }
    if (found > most && last != null) {
      paging.next(out, last);
    }
    return out;
  }

  private List<ThingFields> things(IndexQuery query, String after, int most) {
    List<ThingFields> found = new ArrayList<>();
    int space = after.indexOf(' ');
    long from = 0;
    String last = "";
    if (space > 0) {
      try {
        from = Long.parseLong(after.substring(0, space));
        last = after.substring(space + 1);
      } catch (NumberFormatException e) {
        throw Answers.invalid("'nextToken' is not a token that this list gave out");
      }
    }
    var all = new ThingRecords.Filter("", "", null, false);
    while (found.size() < most) {
      List<ThingRecords.Thing> batch = things.after(from, last, all, BATCH);
      store.read(
          sql -> {
            for (ThingRecords.Thing thing : batch) {
              ThingFields fields = new ThingFields(thing, groups(sql, thing.name(), true));
              if (found.size() < most && query.matches(fields)) {
                found.add(fields);
              }
            }
            return found.size();
          });
      if (batch.size() < BATCH) {
        break;
      }
      from = batch.getLast().created();
      last = batch.getLast().name();
    }
    return found;
  }

  private List<GroupFields> groups(IndexQuery query, String after) {
    return store.read(
        sql ->
            sql
                .list(
                    "SELECT * FROM thing_groups ORDER BY name LIMIT 100000", ThingGroups.Group::of)
                .stream()
                .filter(g -> g.name().compareTo(after) > 0)
                .sorted(java.util.Comparator.comparing(ThingGroups.Group::name))
                .map(
                    g ->
                        new GroupFields(
                            g,
                            ThingGroups.parents(sql, g).stream()
                                .map(ThingGroups.Group::name)
                                .toList()))
                .filter(query::matches)
                .toList());
  }

  private static void write(ThingFields one, ObjectNode node) {
    ThingRecords.Thing thing = one.thing();
    node.put("thingName", thing.name()).put("thingId", thing.id());
    if (thing.type() != null) {
      node.put("thingTypeName", thing.type());
    }
    if (!one.groups().isEmpty()) {
      one.groups().forEach(node.putArray("thingGroupNames")::add);
    }
    if (!thing.attributes().isEmpty()) {
      node.set("attributes", thing.attributes());
    }
  }

  private static void write(GroupFields one, ObjectNode node) {
    ThingGroups.Group group = one.group();
    node.put("thingGroupName", group.name()).put("thingGroupId", group.id());
    if (group.description() != null) {
      node.put("thingGroupDescription", group.description());
    }
    if (!group.attributes().isEmpty()) {
      node.set("attributes", group.attributes());
    }
    if (!one.parents().isEmpty()) {
      one.parents().forEach(node.putArray("parentGroupNames")::add);
    }
  }

  private ObjectNode indices(CallContext call, ObjectNode in) {
    ObjectNode out = Answers.object();
    ArrayNode names = out.putArray("indexNames");
    store.read(
        sql -> {
          List.of(THINGS, GROUPS).stream().filter(i -> isOn(sql, i)).forEach(names::add);
          return names.size();
        });
    return out;
  }

  private ObjectNode describe(CallContext call, ObjectNode in) {
    String index = index(in);
    return Answers.object()
        .put("indexName", index)
        .put("indexStatus", "ACTIVE")
        .put("schema", index.equals(THINGS) ? "REGISTRY" : "THING_GROUPS");
  }

  private ObjectNode configuration(CallContext call, ObjectNode in) {
    ObjectNode settings = store.read(sql -> Settings.find(sql, SETTING)).orElseGet(Answers::object);
    ObjectNode out = Answers.object();
    ObjectNode ofThings = out.putObject("thingIndexingConfiguration");
    String mode = settings.path("things").path("thingIndexingMode").asString("REGISTRY");
    ofThings
        .put("thingIndexingMode", mode)
        .put("thingConnectivityIndexingMode", "OFF")
        .put("deviceDefenderIndexingMode", "OFF")
        .put("namedShadowIndexingMode", "OFF");
    if (!mode.equals("OFF")) {
      ArrayNode managed = ofThings.putArray("managedFields");
      field(managed, "thingId", "String");
      field(managed, "thingName", "String");
      field(managed, "registry.version", "Number");
      field(managed, "registry.thingTypeName", "String");
      field(managed, "registry.thingGroupNames", "String");
      ofThings.set("customFields", custom(settings.path("things")));
    }
    ObjectNode ofGroups = out.putObject("thingGroupIndexingConfiguration");
    String groupMode = settings.path("groups").path("thingGroupIndexingMode").asString("ON");
    ofGroups.put("thingGroupIndexingMode", groupMode);
    if (!groupMode.equals("OFF")) {
      ArrayNode managed = ofGroups.putArray("managedFields");
      field(managed, "description", "String");
      field(managed, "parentGroupNames", "String");
      field(managed, "thingGroupId", "String");
      field(managed, "thingGroupName", "String");
      field(managed, "version", "Number");
      ofGroups.set("customFields", custom(settings.path("groups")));
    }
    return out;
  }

  private static JsonNode custom(JsonNode configuration) {
    JsonNode given = configuration.path("customFields");
    return given.isArray() ? given : Answers.parseList("[]");
  }

  private static void field(ArrayNode fields, String name, String type) {
    fields.addObject().put("name", name).put("type", type);
  }

  private ObjectNode configure(CallContext call, ObjectNode in) {
    JsonNode ofThings = in.path("thingIndexingConfiguration");
    refuse(ofThings, "thingIndexingMode", "REGISTRY_AND_SHADOW", "shadows");
    refuse(ofThings, "thingConnectivityIndexingMode", "STATUS", "connectivity");
    refuse(ofThings, "deviceDefenderIndexingMode", "VIOLATIONS", "Device Defender's violations");
    refuse(ofThings, "namedShadowIndexingMode", "ON", "named shadows");
    return store.write(
        sql -> {
          ObjectNode settings = Settings.find(sql, SETTING).orElseGet(Answers::object);
          if (ofThings.isObject()) {
            if (ofThings.path("thingIndexingMode").asString("").equals("OFF")
                && sql.count("SELECT COUNT(*) AS n FROM thing_groups WHERE query IS NOT NULL")
                    > 0) {
              throw Answers.invalid(
                  "Fleet indexing cannot be switched off while there are dynamic thing groups");
            }
            settings.set("things", ofThings);
          }
          if (in.path("thingGroupIndexingConfiguration").isObject()) {
            settings.set("groups", in.path("thingGroupIndexingConfiguration"));
          }
          Settings.put(sql, SETTING, settings);
          return Answers.object();
        });
  }

  private static void refuse(JsonNode configuration, String member, String value, String what) {
    if (configuration.path(member).asString("").equals(value)) {
      throw Answers.invalid(
          "This cloud does not index " + what + "; leave '" + member + "' away or at its default");
    }
  }

  private List<String> values(ObjectNode in, String standardField) {
    index(in);
    String field = in.has("aggregationField") ? text(in, "aggregationField") : standardField;
    return things(query(text(in, "queryString")), "", Integer.MAX_VALUE).stream()
        .flatMap(t -> t.values(field).stream())
        .toList();
  }

  private ObjectNode cardinality(CallContext call, ObjectNode in) {
    Set<String> distinct = new TreeSet<>(values(in, "registry.version"));
    return Answers.object().put("cardinality", distinct.size());
  }

  private ObjectNode statistics(CallContext call, ObjectNode in) {
    ObjectNode out = Answers.object();
    ObjectNode statistics = out.putObject("statistics");
    List<String> values = values(in, "thingName");
    statistics.put("count", values.size());
    List<Double> numbers = new ArrayList<>();
    for (String value : values) {
      @Nullable Double number = number(value);
      if (number != null) {
        numbers.add(number);
      }
    }
    if (!numbers.isEmpty() && numbers.size() == values.size()) {
      double sum = numbers.stream().mapToDouble(n -> n).sum();
      double squares = numbers.stream().mapToDouble(n -> n * n).sum();
      double average = sum / numbers.size();
      double variance = Math.max(0, squares / numbers.size() - average * average);
      statistics
          .put("average", average)
          .put("sum", sum)
          .put("minimum", numbers.stream().mapToDouble(n -> n).min().orElse(0))
          .put("maximum", numbers.stream().mapToDouble(n -> n).max().orElse(0))
          .put("sumOfSquares", squares)
          .put("variance", variance)
          .put("stdDeviation", Math.sqrt(variance));
    }
    return out;
  }

  private static @Nullable Double number(String text) {
    try {
      return Double.valueOf(text);
    } catch (NumberFormatException e) {
      return null;
    }
  }
}
