package io.ryegrass.nucleus;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Where each value of a component's configuration comes from (LESSON-30), for {@code config
 * explain}.
 *
 * @param pointer JSON pointer that was asked for; empty for everything
 * @param values all values at and below it, in the configuration's order
 */
public record ConfigExplanation(String component, String pointer, List<Value> values) {
  public ConfigExplanation {
    values = List.copyOf(values);
  }

  /** Who set a value. */
  public enum Source {
    /** DefaultConfiguration of a recipe. */
    RECIPE_DEFAULT,
    /** The merge of a deployment. */
    DEPLOYMENT,
    /** The component itself, by UpdateConfiguration. */
    COMPONENT,
    /** {@code config/config.yaml} of this core. */
    CONFIG_FILE,
    /** Set by an older version of this program, which did not record it. */
    NOT_RECORDED
  }

  /**
   * One value. Lists and empty objects count as values.
   *
   * @param pointer JSON pointer of the value
   * @param id the recipe's version or the deployment's id; empty for the others
   * @param time when it was set; null for defaults and the file
   * @param recipeDefault what the present recipe would have there instead, or null when that is the
   *     same or it has nothing there: a changed default does not replace a value (TRB-34)
   */
  public record Value(
      String pointer,
      JsonNode value,
      Source source,
      String id,
      @Nullable Instant time,
      @Nullable JsonNode recipeDefault) {

    /** The same for people, for example {@code merge of deployment d-1 at 2026-01-01T00:00:00Z}. */
    public String sentence() {
      String from =
          switch (source) {
            case RECIPE_DEFAULT ->
                "default of the recipe" + (id.isEmpty() ? "" : ", version " + id);
            case DEPLOYMENT -> "merge of deployment " + id + at();
            case COMPONENT -> "set by the component itself" + at();
            case CONFIG_FILE -> "config.yaml of this core";
            case NOT_RECORDED -> "not recorded who set it" + at();
          };
      return recipeDefault == null
          ? from
          : from
              + "; the present recipe's default is "
              + recipeDefault
              + ", reset "
              + pointer
              + " to take it";
    }

    private String at() {
      return time == null ? "" : " at " + time;
    }
  }
}
