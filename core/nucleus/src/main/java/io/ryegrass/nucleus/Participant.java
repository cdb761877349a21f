package io.ryegrass.nucleus;

/**
 * Someone who sends or receives on the bus.
 *
 * @param kind what it is
 * @param id component name, qualified function ARN, thing name, {@code cloud}, {@code
 *     GGShadowService}, or connector ARN
 */
public record Participant(Kind kind, String id) {
  /** The cloud, as source and as target. */
  public static final Participant CLOUD = new Participant(Kind.CLOUD, "cloud");

  /** The local shadow service of V1. */
  public static final Participant SHADOW_SERVICE =
      new Participant(Kind.SHADOW_SERVICE, "GGShadowService");

  /** Kinds of participants. */
  public enum Kind {
    COMPONENT,
    FUNCTION,
    DEVICE,
    CLOUD,
    SHADOW_SERVICE,
    CONNECTOR
  }

  public static Participant component(String name) {
    return new Participant(Kind.COMPONENT, name);
  }

  public static Participant function(String qualifiedArn) {
    return new Participant(Kind.FUNCTION, qualifiedArn);
  }

  public static Participant device(String thingName) {
    return new Participant(Kind.DEVICE, thingName);
  }

  /**
   * Reads an end of a V1 subscription (v1-group-deployment.md section 9): {@code cloud}, {@code
   * GGShadowService}, a function, thing or connector ARN, or {@code component:<name>}.
   *
   * @throws NucleusException when the text is none of these
   */
  public static Participant parse(String end) {
    if (end.equals("cloud")) {
      return CLOUD;
    }
    if (end.equals("GGShadowService")
        || end.startsWith("arn:aws:lambda:::function:GGShadowService")) {
      return SHADOW_SERVICE;
    }
    if (end.startsWith("component:")) {
      return component(end.substring("component:".length()));
    }
    if (end.startsWith("arn:")) {
      String[] parts = end.split(":", 6);
      if (parts.length == 6) {
        String resource = parts[5];
        if (parts[2].equals("lambda") && resource.startsWith("function:")) {
          return function(end);
        }
        if (parts[2].equals("iot") && resource.startsWith("thing/")) {
          return device(resource.substring("thing/".length()));
        }
        if (parts[2].equals("greengrass") && resource.contains("connectors/")) {
          return new Participant(Kind.CONNECTOR, end);
        }
      }
    }
    throw new NucleusException(
        "SUBSCRIPTION_END_NOT_VALID",
        "\""
            + end
            + "\" cannot be an end of a subscription; use cloud, GGShadowService, component:<name>, or the ARN of a function,"
            + " thing or connector.");
  }
}
