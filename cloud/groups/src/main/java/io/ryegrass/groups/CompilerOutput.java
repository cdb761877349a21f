package io.ryegrass.groups;

import io.ryegrass.groups.CompiledGroup.Became;
import io.ryegrass.groups.CompiledGroup.PrivateComponent;
import io.ryegrass.model.DeploymentDocument.ComponentUpdate;
import io.ryegrass.model.DeploymentDocument.ConfigurationUpdate;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.node.ObjectNode;

/** Collects what the parts of the compiler make of a group. */
final class CompilerOutput {
  static final String NUCLEUS = "aws.greengrass.Nucleus";

  private final ComponentLookup lookup;
  private final Map<String, ComponentUpdate> components = new LinkedHashMap<>();
  private final List<PrivateComponent> privateComponents = new ArrayList<>();
  private final List<Became> explanation = new ArrayList<>();
  private final Set<String> missing = new LinkedHashSet<>();
  private final ObjectNode nucleus = Shapes.empty();
  private final List<String> nucleusResets = new ArrayList<>();

  CompilerOutput(ComponentLookup lookup) {
    this.lookup = lookup;
  }

  /** A component of the group alone. Its configuration is reset before ours is merged. */
  void put(PrivateComponent component, ObjectNode configuration) {
    privateComponents.add(component);
    put(
        component.recipe().componentName(),
        component.recipe().componentVersion().text(),
        configuration);
  }

  /**
   * A component that has to exist already.
   *
   * @param neededBy names who asks for it, for the sentence when it is missing
   */
  void need(String name, ObjectNode configuration, String neededBy) {
    Optional<String> version = lookup.version(name);
    if (version.isEmpty()) {
      missing(
          neededBy
              + " needs component "
              + name
              + ", which does not exist here yet. Remove it from the group, or do its work in a"
              + " function.");
    }
    put(name, version.orElse(""), configuration);
  }

  boolean exists(String component) {
    return lookup.version(component).isPresent();
  }

  private void put(String name, String version, ObjectNode configuration) {
    components.put(
        name,
        new ComponentUpdate(
            version,
            new ConfigurationUpdate(configuration.isEmpty() ? null : configuration, List.of("")),
            null));
  }

  /**
   * Configuration of the nucleus below one pointer. The nucleus is the device's: only that part is
   * reset, all else stays.
   */
  ObjectNode nucleus(String pointer) {
    if (!nucleusResets.contains(pointer)) {
      nucleusResets.add(pointer);
    }
    return nucleus.withObject(pointer);
  }

  void missing(String sentence) {
    missing.add(sentence);
  }

  void became(String kind, String what, String became) {
    became(kind, what, became, "");
  }

  void became(String kind, String what, String became, String note) {
    explanation.add(new Became(kind, what, became, note));
  }

  CompiledGroup finish(String core, List<String> devices) {
    if (!nucleusResets.isEmpty()) {
      components.put(
          NUCLEUS,
          new ComponentUpdate(
              lookup.version(NUCLEUS).orElse(""),
              new ConfigurationUpdate(nucleus, List.copyOf(nucleusResets)),
              null));
    }
    return new CompiledGroup(
        core,
        Collections.unmodifiableMap(components),
        List.copyOf(privateComponents),
        devices,
        List.copyOf(explanation),
        List.copyOf(missing));
  }
}
