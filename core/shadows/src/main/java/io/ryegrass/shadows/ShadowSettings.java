package io.ryegrass.shadows;

import io.ryegrass.model.shadow.ShadowException;
import io.ryegrass.nucleus.NucleusException;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The configuration of {@code aws.greengrass.ShadowManager} (SHM-03 to SHM-06; mqtt-cloud, section
 * 9.1).
 *
 * @param maxBytes how large a shadow's state may be
 * @param totalRate local requests a second
 * @param thingRate local requests a second for one thing
 * @param sync what is kept equal with the cloud
 * @param deletedOnRemoval whether the shadows go when the component leaves this core; V1 groups ask
 *     for it (our own key)
 */
record ShadowSettings(
    int maxBytes, int totalRate, int thingRate, Sync sync, boolean deletedOnRemoval) {
  private static final String RESERVED = "AWSManagedGreengrassV2Deployment";
  private static final int LARGEST = 30_720;

  /** Which way changes go. */
  enum Direction {
    BOTH,
    TO_CLOUD,
    TO_DEVICE;

    boolean toCloud() {
      return this != TO_DEVICE;
    }

    boolean toDevice() {
      return this != TO_CLOUD;
    }
  }

  /**
   * @param shadows empty when nothing is synchronized
   * @param period null to do it at each change
   * @param rate changes a second that go to the cloud
   */
  record Sync(Set<ShadowKey> shadows, Direction direction, @Nullable Duration period, int rate) {
    static final Sync NONE = new Sync(Set.of(), Direction.BOTH, null, 100);
  }

  /**
   * @throws NucleusException {@code INVALID_CONFIGURATION} with one sentence
   */
  static ShadowSettings of(JsonNode configuration, String coreThing) {
    JsonNode rates = configuration.path("rateLimits");
    return new ShadowSettings(
        number(configuration, "", "shadowDocumentSizeLimitBytes", 8192, LARGEST),
        number(rates, "rateLimits.", "maxTotalLocalRequestsRate", 200, Integer.MAX_VALUE),
        number(rates, "rateLimits.", "maxLocalRequestsPerSecondPerThing", 20, Integer.MAX_VALUE),
        sync(configuration, coreThing),
        configuration.path("deleteShadowsOnRemoval").asBoolean(false));
  }

  private static Sync sync(JsonNode configuration, String coreThing) {
    JsonNode synchronize = configuration.path("synchronize");
    Set<ShadowKey> shadows = new LinkedHashSet<>();
    if (synchronize.path("coreThing").isObject()) {
      if (coreThing.isEmpty()) {
        throw invalid("synchronize.coreThing", "this core belongs to no cloud and has no thing");
      }
      add(shadows, coreThing, synchronize.path("coreThing"), "synchronize.coreThing");
    }
    for (JsonNode document : synchronize.path("shadowDocuments")) {
      String thing = document.path("thingName").asString("");
      add(shadows, thing, document, "synchronize.shadowDocuments of '" + thing + "'");
    }
    for (Map.Entry<String, JsonNode> document :
        synchronize.path("shadowDocumentsMap").properties()) {
      add(
          shadows,
          document.getKey(),
          document.getValue(),
          "synchronize.shadowDocumentsMap." + document.getKey());
    }
    return new Sync(
        Set.copyOf(shadows),
        direction(synchronize),
        period(configuration.path("strategy")),
        number(
            configuration.path("rateLimits"),
            "rateLimits.",
            "maxOutboundSyncUpdatesPerSecond",
            100,
            Integer.MAX_VALUE));
  }

  private static Direction direction(JsonNode synchronize) {
    String direction = synchronize.path("direction").asString("betweenDeviceAndCloud");
    return switch (direction) {
      case "betweenDeviceAndCloud" -> Direction.BOTH;
      case "deviceToCloud" -> Direction.TO_CLOUD;
      case "cloudToDevice" -> Direction.TO_DEVICE;
      default ->
          throw invalid(
              "synchronize.direction",
              "'"
                  + direction
                  + "' is none of betweenDeviceAndCloud, deviceToCloud and cloudToDevice");
    };
  }

  private static @Nullable Duration period(JsonNode strategy) {
    String type = strategy.path("type").asString("realTime");
    return switch (type) {
      case "realTime" -> null;
      case "periodic" -> {
        if (!strategy.has("delay")) {
          throw invalid("strategy.delay", "a periodic strategy needs it, in seconds");
        }
        yield Duration.ofSeconds(number(strategy, "strategy.", "delay", 0, 86_400 * 366));
      }
      default -> throw invalid("strategy.type", "'" + type + "' is neither realTime nor periodic");
    };
  }

  private static void add(Set<ShadowKey> to, String thing, JsonNode document, String where) {
    try {
      if (document.path("classic").asBoolean(true)) {
        to.add(ShadowKey.of(thing, null));
      }
      for (JsonNode name : document.path("namedShadows")) {
        if (name.asString("").equals(RESERVED)) {
          throw invalid(where, "shadow " + RESERVED + " carries deployments and is never synced");
        }
        to.add(ShadowKey.of(thing, name.asString("")));
      }
    } catch (ShadowException e) {
      throw invalid(where, String.valueOf(e.getMessage()));
    }
  }

  private static int number(JsonNode of, String path, String name, int otherwise, int most) {
    JsonNode value = of.get(name);
    if (value == null || value.isNull()) {
      return otherwise;
    }
    long number;
    try {
      number = value.isNumber() ? value.asLong() : Long.parseLong(value.asString("").strip());
    } catch (NumberFormatException e) {
      number = 0; // refused below
    }
    if (number < 1 || number > most) {
      throw invalid(path + name, "it must be a whole number from 1 to " + most);
    }
    return (int) number;
  }

  private static NucleusException invalid(String where, String why) {
    return new NucleusException(
        "INVALID_CONFIGURATION",
        "The configuration of "
            + ShadowManager.NAME
            + " is not valid at "
            + where
            + ": "
            + why
            + ".");
  }
}
