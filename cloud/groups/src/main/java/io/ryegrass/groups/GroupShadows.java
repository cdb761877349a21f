package io.ryegrass.groups;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Local shadows (v1-group-deployment.md §10) as configuration of {@code
 * aws.greengrass.ShadowManager}. Every V1 core had the shadow service, and functions call it
 * without any subscription: a group with functions or devices brings the component. {@code
 * SyncShadow} of devices and the core becomes {@code synchronize}. When a reset takes the group
 * from the core, its shadows go, too (RST-01).
 */
final class GroupShadows {
  static final String SHADOW_MANAGER = "aws.greengrass.ShadowManager";
  private static final int TOTAL_RATE = 1000;
  private static final int THING_RATE = 200;

  private final CompilerOutput out;
  private final List<String> synced = new ArrayList<>();
  private boolean syncCore;
  private boolean possible;
  private @Nullable String neededBy;

  GroupShadows(CompilerOutput out) {
    this.out = out;
  }

  void wanted(String who) {
    if (neededBy == null) {
      neededBy = who;
    }
  }

  /** Somebody in the group may use shadows without saying so. */
  void possible() {
    possible = true;
  }

  void core(JsonNode core) {
    syncCore = core.path("SyncShadow").asBoolean(false);
  }

  void device(String thing, JsonNode device) {
    if (device.path("SyncShadow").asBoolean(false)) {
      synced.add(thing);
    }
  }

  void compile() {
    boolean sync = syncCore || !synced.isEmpty();
    if (neededBy == null && !sync && !possible) {
      return;
    }
    ObjectNode configuration = Shapes.empty().put("deleteShadowsOnRemoval", true);
    // V1 knew no limit; AWS's defaults for V2 are 200 and 20.
    configuration
        .putObject("rateLimits")
        .put("maxTotalLocalRequestsRate", TOTAL_RATE)
        .put("maxLocalRequestsPerSecondPerThing", THING_RATE);
    if (sync) {
      ObjectNode synchronize = configuration.putObject("synchronize");
      if (syncCore) {
        synchronize.putObject("coreThing").put("classic", true);
      }
      ArrayNode documents = synchronize.putArray("shadowDocuments");
      synced.forEach(thing -> documents.addObject().put("thingName", thing).put("classic", true));
      synchronize.put("direction", "betweenDeviceAndCloud");
    }
    String asker = sync ? "SyncShadow" : "The local shadow service";
    out.need(SHADOW_MANAGER, configuration, neededBy == null ? asker : neededBy);
    out.became(
        "shadow",
        sync ? "SyncShadow" : "local shadows",
        SHADOW_MANAGER + (sync ? " synchronize" : ""));
  }
}
