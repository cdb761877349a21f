package io.ryegrass.secretmanager;

import io.ryegrass.model.JsonFields;
import io.ryegrass.nucleus.NucleusException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A secret that the configuration asks for (SCM-02): {@code cloudSecrets: [{arn, labels}]}.
 *
 * @param labels AWSCURRENT always among them (SEC-11)
 */
record Wanted(String arn, List<String> labels) {
  /** With or without the suffix that Secrets Manager gave. */
  private static final Pattern ARN =
      Pattern.compile(
          "arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[a-zA-Z0-9/_+=.@-]+");

  private static final int MOST_LABELS = 20;

  /**
   * @throws NucleusException {@code COMPONENT_CONFIGURATION_NOT_VALID} that names the entry
   */
  static List<Wanted> of(ObjectNode configuration) {
    List<Wanted> all = new ArrayList<>();
    JsonNode list = JsonFields.get(configuration, "cloudSecrets");
    if (list == null || list.isNull()) {
      return all;
    }
    if (!list.isArray()) {
      throw invalid("cloudSecrets", "must be a list of {arn, labels}");
    }
    Set<String> seen = new LinkedHashSet<>();
    for (JsonNode element : list) {
      if (!(element instanceof ObjectNode entry)) {
        throw invalid("cloudSecrets", "must be a list of {arn, labels}");
      }
      String arn = JsonFields.text(entry, "arn");
      if (arn == null || !ARN.matcher(arn).matches()) {
        throw invalid("cloudSecrets.arn", "\"" + arn + "\" is not the ARN of a secret");
      }
      if (!seen.add(arn)) {
        throw invalid("cloudSecrets.arn", arn + " is there twice");
      }
      Set<String> labels = new LinkedHashSet<>();
      JsonNode given = JsonFields.get(entry, "labels");
      if (given != null) {
        for (JsonNode label : given) {
          labels.add(label.asString(""));
        }
      }
      labels.add(Held.CURRENT);
      if (labels.contains("") || labels.size() > MOST_LABELS) {
        throw invalid(
            "cloudSecrets.labels",
            "the labels of " + arn + " must be up to " + MOST_LABELS + " names");
      }
      all.add(new Wanted(arn, List.copyOf(labels)));
    }
    return List.copyOf(all);
  }

  /** Whether all that is wanted of it is held. */
  boolean heldIn(List<Held> all) {
    return all.stream()
        .anyMatch(
            h ->
                h.asked().equals(arn)
                    && labels.stream().allMatch(label -> h.labelled(label).isPresent()));
  }

  private static NucleusException invalid(String key, String problem) {
    return new NucleusException(
        "COMPONENT_CONFIGURATION_NOT_VALID",
        "The configuration " + key + " of " + SecretManager.NAME + " is refused: " + problem + ".");
  }
}
