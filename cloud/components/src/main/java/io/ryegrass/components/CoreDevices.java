package io.ryegrass.components;

import io.ryegrass.model.Arn;
import io.ryegrass.registry.DeviceMessage;
import io.ryegrass.registry.DeviceTopicHandler;
import io.ryegrass.registry.Registry;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Core devices and their installed components, as the fleet status messages of v2-deployments.md
 * §11 tell them. A COMPLETE message is the whole truth: what it (all its chunks together) does not
 * list is not installed any more. A PARTIAL one changes what it lists.
 */
final class CoreDevices implements DeviceTopicHandler {
  private static final Logger LOG = LoggerFactory.getLogger(CoreDevices.class);
  private static final Pattern TOPIC =
      Pattern.compile("\\$aws/things/([^/]+)/greengrassv2/health/json");
  private static final Set<String> GONE = Set.of("UNINSTALLED");
  private static final Set<String> FAULTY = Set.of("ERRORED", "BROKEN");

  private final CloudStore store;
  private final Registry registry;
  private final EffectiveDeployments effective;
  private final Tags tags;
  private final Arns arns;
  private final Pages pages;
  private final FleetEvents events;
  private final Clock clock;

  CoreDevices(
      CloudStore store,
      Registry registry,
      EffectiveDeployments effective,
      Tags tags,
      Arns arns,
      Pages pages,
      FleetEvents events,
      Clock clock) {
    this.pages = pages;
    this.events = events;
    this.store = store;
    this.registry = registry;
    this.effective = effective;
    this.tags = tags;
    this.arns = arns;
    this.clock = clock;
  }

  // ---- fleet status

  @Override
  public boolean accepts(String topic) {
    return TOPIC.matcher(topic).matches();
  }

  @Override
  public void handle(DeviceMessage message) {
    Matcher m = TOPIC.matcher(message.topic());
    if (!m.matches()) {
      return;
    }
    String thing = m.group(1);
    ObjectNode status = Json.tryRead(message.payload());
    if (status == null
        || !Json.text(status, "thing").equals(thing)
        || !message.device().thingNames().contains(thing)) {
      LOG.warn(
          "fleet status on {} from client {} is ignored: it is no JSON object of a thing that the"
              + " client's certificate is attached to",
          message.topic(),
          message.clientId());
      return;
    }
    store.write(
        sql -> {
          apply(sql, thing, status);
          return 0;
        });
    if (status.path("deploymentInformation").isObject()) {
      effective.fleetReported(thing, status.path("deploymentInformation"));
    }
  }

  private void apply(Sql sql, String thing, ObjectNode status) {
    long sequence = status.path("sequenceNumber").asLong(0);
    long deviceTime = status.path("timestamp").asLong(0);
    long now = clock.millis();
    Long lastSequence =
        sql.one(
                "SELECT sequence FROM components_cores WHERE thing = ? AND device_time > ?",
                r -> r.number("sequence"),
                thing,
                deviceTime)
            .orElse(null);
    if (lastSequence != null && sequence < lastSequence) {
      return; // an older message that arrived late; a device that was set up anew has a newer time
    }
    String runtime = Json.text(status, "runtime");
    sql.update("DELETE FROM components_cores WHERE thing = ?", thing);
    sql.update(
        "INSERT INTO components_cores (thing, version, platform, architecture, runtime, status,"
            + " sequence, device_time, updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        thing,
        Json.text(status, "ggcVersion"),
        Json.text(status, "platform"),
        Json.text(status, "architecture"),
        runtime.isEmpty() ? "aws_nucleus_classic" : runtime,
        Json.text(status, "overallDeviceStatus").equals("UNHEALTHY") ? "UNHEALTHY" : "HEALTHY",
        sequence,
        deviceTime,
        now);
    Set<String> listed = new HashSet<>();
    boolean deployed = Json.text(status, "trigger").endsWith("_DEPLOYMENT");
    ArrayNode told = Json.object().putArray("components");
    for (JsonNode component : status.path("components")) {
      String name = Json.text(component, "componentName");
      if (GONE.contains(Json.text(component, "status"))) {
        sql.update("DELETE FROM components_installed WHERE thing = ? AND name = ?", thing, name);
      } else if (!name.isEmpty()) {
        listed.add(name);
        boolean changed = upsert(sql, thing, name, component, now);
        if (deployed || changed && FAULTY.contains(Json.text(component, "status"))) {
          told.add(event(component));
        }
      }
    }
    events.components(thing, told);
    if (Json.text(status, "messageType").equals("COMPLETE")) {
      complete(sql, thing, sequence, status.path("chunkInfo"), listed);
    }
  }

  /** MON-04. */
  private static ObjectNode event(JsonNode component) {
    JsonNode details = component.path("componentStatusDetails");
    ObjectNode told = Json.object();
    told.put("componentName", Json.text(component, "componentName"));
    told.put("componentVersion", Json.text(component, "version"));
    told.put("root", component.path("isRoot").asBoolean(false));
    told.put("lifecycleState", Json.text(component, "status"));
    ArrayNode codes = told.putArray("lifecycleStatusCodes");
    details.path("statusCodes").forEach(codes::add);
    told.put("lifecycleStateDetails", Json.text(details, "statusReason"));
    return told;
  }

  /** Tells whether the state is another than before. */
  private boolean upsert(Sql sql, String thing, String name, JsonNode component, long now) {
    String state = Json.text(component, "status");
    String version = Json.text(component, "version");
    Long unchangedSince =
        sql.one(
                "SELECT changed FROM components_installed WHERE thing = ? AND name = ? AND state = ?"
                    + " AND version = ?",
                r -> r.number("changed"),
                thing,
                name,
                state,
                version)
            .orElse(null);
    long changed = unchangedSince == null ? now : unchangedSince;
    JsonNode details = component.path("componentStatusDetails");
    sql.update("DELETE FROM components_installed WHERE thing = ? AND name = ?", thing, name);
    sql.update(
        "INSERT INTO components_installed (thing, name, version, state, reason, codes, root, source,"
            + " changed, reported) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        thing,
        name,
        version,
        state,
        Json.text(details, "statusReason"),
        details.path("statusCodes").isArray() ? details.path("statusCodes").toString() : "[]",
        component.path("isRoot").asBoolean(false) ? 1 : 0,
        source(component.path("fleetConfigArns")),
        changed,
        now);
    return unchangedSince == null;
  }

  /** The id of the last cloud deployment that holds the component, or LOCAL. */
  private String source(JsonNode configurationArns) {
    String source = "LOCAL";
    for (JsonNode arn : configurationArns) {
      source = effective.byConfigurationArn(arn.asString()).map(DeploymentRow::id).orElse(source);
    }
    return source;
  }

  private void complete(
      Sql sql, String thing, long sequence, JsonNode chunkInfo, Set<String> listed) {
    int total = chunkInfo.path("totalChunks").asInt(1);
    Set<String> all = new HashSet<>(listed);
    if (total > 1) {
      int chunk = chunkInfo.path("chunkId").asInt(1);
      sql.update(
          "DELETE FROM components_status_chunks WHERE thing = ? AND (sequence <> ? OR chunk = ?)",
          thing,
          sequence,
          chunk);
      sql.update(
          "INSERT INTO components_status_chunks (thing, sequence, chunk, names) VALUES (?, ?, ?, ?)",
          thing,
          sequence,
          chunk,
          String.join("\n", listed));
      List<String> chunks =
          sql.list(
              "SELECT names FROM components_status_chunks WHERE thing = ?",
              r -> r.text("names"),
              thing);
      if (chunks.size() < total) {
        return;
      }
      chunks.forEach(names -> all.addAll(List.of(names.split("\n"))));
    }
    sql.update("DELETE FROM components_status_chunks WHERE thing = ?", thing);
    for (String name :
        sql.list(
            "SELECT name FROM components_installed WHERE thing = ?", r -> r.text("name"), thing)) {
      if (!all.contains(name)) {
        sql.update("DELETE FROM components_installed WHERE thing = ? AND name = ?", thing, name);
      }
    }
  }

  // ---- operations

  ObjectNode list(ObjectNode input) {
    String status = Json.text(input, "status");
    String runtime = Json.text(input, "runtime");
    String groupArn = Json.text(input, "thingGroupArn");
    Set<String> members = groupArn.isEmpty() ? Set.of() : members(groupArn);
    List<ObjectNode> items = new ArrayList<>();
    store.read(
        sql ->
            sql.list(
                "SELECT * FROM components_cores WHERE (? = '' OR status = ?) AND (? = '' OR runtime ="
                    + " ?) ORDER BY thing",
                row -> {
                  if (groupArn.isEmpty() || members.contains(row.text("thing"))) {
                    items.add(describe(row));
                  }
                  return row.text("thing");
                },
                status,
                status,
                runtime,
                runtime));
    return pages.page(input, "coreDevices", items, i -> Json.text(i, "coreDeviceThingName"));
  }

  private Set<String> members(String groupArn) {
    if (!Arn.isArn(groupArn)) {
      throw Faults.validation("thingGroupArn", "'" + groupArn + "' is not an ARN");
    }
    String resource = Arn.parse(groupArn).resource();
    return new HashSet<>(registry.membersOf(resource.substring(resource.indexOf('/') + 1)));
  }

  private static ObjectNode describe(Row row) {
    ObjectNode item = Json.object();
    item.put("coreDeviceThingName", row.text("thing"));
    item.put("status", row.text("status"));
    item.put("lastStatusUpdateTimestamp", Json.seconds(row.instant("updated")));
    Json.putUnlessEmpty(item, "platform", row.text("platform"));
    Json.putUnlessEmpty(item, "architecture", row.text("architecture"));
    item.put("runtime", row.text("runtime"));
    return item;
  }

  ObjectNode get(ObjectNode input) {
    String thing = Json.text(input, "coreDeviceThingName");
    ObjectNode result =
        store
            .read(
                sql ->
                    sql.one(
                        "SELECT * FROM components_cores WHERE thing = ?",
                        row -> describe(row).put("coreVersion", row.text("version")),
                        thing))
            .orElseThrow(() -> unknown(thing));
    Json.putTags(result, tags.of(arns.own("coreDevices:" + thing)));
    return result;
  }

  ObjectNode delete(ObjectNode input) {
    String thing = Json.text(input, "coreDeviceThingName");
    store.write(
        sql -> {
          if (sql.update("DELETE FROM components_cores WHERE thing = ?", thing) == 0) {
            throw unknown(thing);
          }
          sql.update("DELETE FROM components_installed WHERE thing = ?", thing);
          sql.update("DELETE FROM components_effective WHERE core = ?", thing);
          sql.update("DELETE FROM components_client_devices WHERE core = ?", thing);
          return sql.update("DELETE FROM components_status_chunks WHERE thing = ?", thing);
        });
    tags.removeAll(arns.own("coreDevices:" + thing));
    return Json.object();
  }

  ObjectNode listInstalled(ObjectNode input) {
    String thing = requireCore(input);
    boolean all = Json.text(input, "topologyFilter").equals("ALL");
    List<ObjectNode> items =
        store.read(
            sql ->
                sql.list(
                    "SELECT * FROM components_installed WHERE thing = ? AND (? = 1 OR root = 1) ORDER"
                        + " BY name",
                    CoreDevices::installed,
                    thing,
                    all ? 1 : 0));
    return pages.page(input, "installedComponents", items, i -> Json.text(i, "componentName"));
  }

  private static ObjectNode installed(Row row) {
    ObjectNode item = Json.object();
    item.put("componentName", row.text("name"));
    item.put("componentVersion", row.text("version"));
    item.put("lifecycleState", row.text("state"));
    Json.putUnlessEmpty(item, "lifecycleStateDetails", row.text("reason"));
    item.put("isRoot", row.flag("root"));
    item.put("lastStatusChangeTimestamp", Json.seconds(row.instant("changed")));
    item.put("lastReportedTimestamp", Json.seconds(row.instant("reported")));
    item.put("lastInstallationSource", row.text("source"));
    ArrayNode codes = item.putArray("lifecycleStatusCodes");
    Json.read("{\"c\":" + row.text("codes") + "}").path("c").forEach(codes::add);
    return item;
  }

  /** The named core: it reported once, or at least its thing exists. */
  String requireCore(ObjectNode input) {
    String thing = Json.text(input, "coreDeviceThingName");
    if (!exists(thing) && !registry.thingExists(thing)) {
      throw unknown(thing);
    }
    return thing;
  }

  boolean exists(String thing) {
    return store.read(
            sql -> sql.count("SELECT COUNT(*) AS n FROM components_cores WHERE thing = ?", thing))
        > 0;
  }

  private static io.ryegrass.awsapi.AwsException unknown(String thing) {
    return Faults.notFound(
        "CORE_DEVICE",
        thing,
        "Core device "
            + thing
            + " does not exist; it appears when its nucleus has connected for the first time");
  }

  // ---- client devices

  ObjectNode listClients(ObjectNode input) {
    String core = requireCore(input);
    List<ObjectNode> items =
        store.read(
            sql ->
                sql.list(
                    "SELECT * FROM components_client_devices WHERE core = ? ORDER BY thing",
                    row ->
                        Json.object()
                            .put("thingName", row.text("thing"))
                            .put("associationTimestamp", Json.seconds(row.instant("associated"))),
                    core));
    return pages.page(input, "associatedClientDevices", items, i -> Json.text(i, "thingName"));
  }

  ObjectNode associate(ObjectNode input) {
    return eachEntry(
        input,
        (sql, core, thing) -> {
          sql.update(
              "DELETE FROM components_client_devices WHERE core = ? AND thing = ?", core, thing);
          sql.update(
              "INSERT INTO components_client_devices (core, thing, associated) VALUES (?, ?, ?)",
              core,
              thing,
              clock.millis());
        });
  }

  ObjectNode disassociate(ObjectNode input) {
    return eachEntry(
        input,
        (sql, core, thing) ->
            sql.update(
                "DELETE FROM components_client_devices WHERE core = ? AND thing = ?", core, thing));
  }

  private interface EntryAction {
    void apply(Sql sql, String core, String thing);
  }

  private ObjectNode eachEntry(ObjectNode input, EntryAction action) {
    String core = requireCore(input);
    ObjectNode result = Json.object();
    ArrayNode errors = result.putArray("errorEntries");
    store.write(
        sql -> {
          for (JsonNode entry : input.path("entries")) {
            String thing = Json.text(entry, "thingName");
            if (registry.thingExists(thing)) {
              action.apply(sql, core, thing);
            } else {
              errors
                  .addObject()
                  .put("thingName", thing)
                  .put("code", "ResourceNotFoundException")
                  .put("message", "thing " + thing + " does not exist");
            }
          }
          return 0;
        });
    return result;
  }

  List<String> clientDevicesOf(String core) {
    return names("SELECT thing FROM components_client_devices WHERE core = ? ORDER BY thing", core);
  }

  List<String> coresOf(String clientDevice) {
    return names(
        "SELECT core AS thing FROM components_client_devices WHERE thing = ? ORDER BY core",
        clientDevice);
  }

  private List<String> names(String query, String argument) {
    return store.read(sql -> sql.list(query, r -> r.text("thing"), argument));
  }
}
