package io.ryegrass.model;

/** The kinds of component of a recipe, with their wire names (v2-recipes-config.md §1). */
public enum ComponentType {
  GENERIC("aws.greengrass.generic"),
  LAMBDA("aws.greengrass.lambda"),
  PLUGIN("aws.greengrass.plugin"),
  NUCLEUS("aws.greengrass.nucleus");

  private final String wireName;

  ComponentType(String wireName) {
    this.wireName = wireName;
  }

  /** The text in a recipe, for example {@code aws.greengrass.generic}. */
  public String wireName() {
    return wireName;
  }

  /** Reads the wire name, or the bare word ({@code GENERIC}), without regard to case. */
  public static ComponentType parse(String text) {
    for (ComponentType type : values()) {
      if (type.wireName.equalsIgnoreCase(text) || type.name().equalsIgnoreCase(text)) {
        return type;
      }
    }
    throw new InvalidDocumentException(
        "RECIPE_PARSE_ERROR",
        "ComponentType '"
            + text
            + "' is unknown; use aws.greengrass.generic, aws.greengrass.lambda,"
            + " aws.greengrass.plugin or aws.greengrass.nucleus");
  }
}
