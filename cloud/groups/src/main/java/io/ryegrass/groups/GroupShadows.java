package io.ryegrass.groups;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Local shadows (v1-group-deployment.md §10) as configuration of {@code
 * aws.greengrass.ShadowManager}. Who asks for them by a subscription or a system function cannot do
 * without; {@code SyncShadow} alone, which groups carry whether they use shadows or not, is no more
 * than a wish.
 */
final class GroupShadows {
  static final String SHADOW_MANAGER = "aws.greengrass.ShadowManager";

  private final CompilerOutput out;
  private final List<String> synced = new ArrayList<>();
  private boolean syncCore;
  private @Nullable String neededBy;

  GroupShadows(CompilerOutput out) {
    this.out = out;
  }

  void wanted(String who) {
    if (neededBy == null) {
      neededBy = who;
    }
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
    if (neededBy == null && (!sync || !out.exists(SHADOW_MANAGER))) {
      if (sync) {
        out.became(
            "shadow",
            "SyncShadow",
            "nothing",
            "Component " + SHADOW_MANAGER + " does not exist here yet: shadows stay in the cloud.");
      }
      return;
    }
    ObjectNode configuration = Shapes.empty();
    if (sync) {
      ObjectNode synchronize = configuration.putObject("synchronize");
      if (syncCore) {
        synchronize.putObject("coreThing").put("classic", true);
      }
      ArrayNode documents = synchronize.putArray("shadowDocuments");
      synced.forEach(thing -> documents.addObject().put("thingName", thing).put("classic", true));
      synchronize.put("direction", "betweenDeviceAndCloud");
    }
    out.need(SHADOW_MANAGER, configuration, neededBy == null ? "SyncShadow" : neededBy);
    out.became("shadow", sync ? "SyncShadow" : "local shadows", SHADOW_MANAGER + " synchronize");
  }
}
