package io.ryegrass.groups;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * System functions of V1 (v1-group-deployment.md §9.1, §9.2): in V2 they are built-in components,
 * so that to list one in a group means to configure one.
 */
final class SystemFunctions {
  static final String STREAM_MANAGER = "aws.greengrass.StreamManager";
  static final String SECRET_MANAGER = "aws.greengrass.SecretManager";
  static final String TOKEN_EXCHANGE = "aws.greengrass.TokenExchangeService";

  /** MQT-05: the core of V1 does not start with less. */
  private static final long MIN_SPOOL = 262_144;

  private final CompilerOutput out;
  private final GroupSecrets secrets;
  private final GroupShadows shadows;

  SystemFunctions(CompilerOutput out, GroupSecrets secrets, GroupShadows shadows) {
    this.out = out;
    this.secrets = secrets;
    this.shadows = shadows;
  }

  void compile(String arn, JsonNode definition) {
    String name = arn.substring(FunctionRules.SYSTEM.length()).replaceAll(":.*", "");
    JsonNode variables =
        definition.path("FunctionConfiguration").path("Environment").path("Variables");
    switch (name) {
      case "GGIPDetector" ->
          out.became("function", name, "the core", "Every core reports its addresses.");
      case "GGCloudSpooler" -> spooler(name, variables);
      case "GGStreamManager" -> {
        ObjectNode configuration = Shapes.empty();
        variables.properties().forEach(v -> configuration.set(v.getKey(), v.getValue()));
        out.need(STREAM_MANAGER, configuration, "System function " + arn);
        out.became("function", name, STREAM_MANAGER);
      }
      case "GGSecretManager" -> {
        secrets.wanted("System function " + arn);
        out.became("function", name, SECRET_MANAGER);
      }
      case "GGTES" -> {
        out.need(TOKEN_EXCHANGE, Shapes.empty(), "System function " + arn);
        out.became("function", name, TOKEN_EXCHANGE);
      }
      case "GGShadowService", "GGShadowSyncManager" -> {
        shadows.wanted("System function " + arn);
        out.became("function", name, GroupShadows.SHADOW_MANAGER);
      }
      case "GGConnManager", "GGDeviceCertificateManager", "GGRouter" ->
          out.became("function", name, "the core", "Part of every core.");
      default ->
          throw new GroupCompilationException(
              "System function "
                  + arn
                  + " is not available here. Remove it from the group's functions.");
    }
  }

  private void spooler(String name, JsonNode variables) {
    ObjectNode spooler = out.nucleus("/mqtt/spooler");
    String type = variables.path("GG_CONFIG_STORAGE_TYPE").asString("");
    if (!type.isEmpty()) {
      spooler.put(
          "storageType",
          switch (type) {
            case "FileSystem" -> "Disk";
            case "Memory" -> "Memory";
            default ->
                throw new GroupCompilationException(
                    "GG_CONFIG_STORAGE_TYPE of GGCloudSpooler is '"
                        + type
                        + "'; it can be FileSystem or Memory.");
          });
    }
    String size = variables.path("GG_CONFIG_MAX_SIZE_BYTES").asString("");
    if (!size.isEmpty()) {
      spooler.put("maxSizeInBytes", bytes(size));
    }
    String quality = variables.path("GG_CONFIG_SUBSCRIPTION_QUALITY").asString("");
    if (!quality.isEmpty()
        && !quality.equals("AtMostOnce")
        && !quality.equals("AtLeastOncePersistent")) {
      throw new GroupCompilationException(
          "GG_CONFIG_SUBSCRIPTION_QUALITY of GGCloudSpooler is '"
              + quality
              + "'; it can be AtMostOnce or AtLeastOncePersistent.");
    }
    out.became(
        "function",
        name,
        CompilerOutput.NUCLEUS + " mqtt.spooler",
        "The spool is on disk in either case, and the core's session with the cloud persistent.");
  }

  private static long bytes(String text) {
    long size;
    try {
      size = Long.parseLong(text.strip());
    } catch (NumberFormatException e) {
      throw new GroupCompilationException(
          "GG_CONFIG_MAX_SIZE_BYTES of GGCloudSpooler is '" + text + "', which is not a number.");
    }
    if (size < MIN_SPOOL) {
      throw new GroupCompilationException("Spool size should be at least " + MIN_SPOOL + " bytes.");
    }
    return size;
  }
}
