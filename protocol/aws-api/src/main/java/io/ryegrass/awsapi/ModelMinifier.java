package io.ryegrass.awsapi;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Build step, run by Maven after the models were unpacked: strips documentation and examples from
 * each model and writes it without white space, about a third of its size. A model whose result is
 * there and younger is left alone, so that a second build does nothing.
 */
final class ModelMinifier {

  private static final Set<String> NOISE = Set.of("documentation", "documentationUrl", "examples");

  private ModelMinifier() {}

  /**
   * Minifies all models of {@link Services}.
   *
   * @param args folder of unpacked models, folder of results
   */
  public static void main(String[] args) throws IOException {
    if (args.length != 2) {
      throw new IllegalArgumentException("usage: ModelMinifier FOLDER-OF-MODELS TARGET-FOLDER");
    }
    Path from = Path.of(args[0]);
    Path to = Files.createDirectories(Path.of(args[1]));
    JsonMapper json = JsonMapper.shared();
    for (var entry : Services.all()) {
      if (entry.getKey().equals(Services.OWN)) {
        continue; // written here, and minified as it is
      }
      Path source = from.resolve(entry.getValue().modelFile() + "-model.json");
      Path target = to.resolve(entry.getKey() + ".json");
      String additions = "additions/" + entry.getKey() + ".json";
      if (Files.exists(target)
          && ModelMinifier.class.getResource(additions) == null
          && Files.getLastModifiedTime(target).compareTo(Files.getLastModifiedTime(source)) > 0) {
        continue;
      }
      JsonNode model = json.readTree(source);
      strip(model, false);
      add(json, additions, model);
      Files.write(target, json.writeValueAsBytes(model));
    }
  }

  /** Members that AWS has today, but not in the artifact of the models, which is frozen. */
  private static void add(JsonMapper json, String additions, JsonNode model) throws IOException {
    try (InputStream in = ModelMinifier.class.getResourceAsStream(additions)) {
      if (in == null) {
        return;
      }
      ObjectNode shapes = (ObjectNode) model.path("shapes");
      for (var added : json.readTree(in).path("shapes").properties()) {
        if (shapes.path(added.getKey()).path("members") instanceof ObjectNode members) {
          added
              .getValue()
              .path("members")
              .properties()
              .forEach(m -> members.set(m.getKey(), m.getValue()));
        } else {
          shapes.set(added.getKey(), added.getValue());
        }
      }
    }
  }

  /** A member may itself be called "documentation"; then it is an object, not text. */
  private static void strip(JsonNode node, boolean names) {
    if (node instanceof ObjectNode object) {
      if (!names) {
        for (String noise : List.copyOf(NOISE)) {
          JsonNode value = object.path(noise);
          if (value.isString() || (noise.equals("examples") && value.isArray())) {
            object.remove(noise);
          }
        }
      }
      object
          .properties()
          .forEach(
              e ->
                  strip(
                      e.getValue(),
                      !names
                          && (e.getKey().equals("members")
                              || e.getKey().equals("shapes")
                              || e.getKey().equals("operations"))));
    } else {
      node.forEach(element -> strip(element, false));
    }
  }
}
