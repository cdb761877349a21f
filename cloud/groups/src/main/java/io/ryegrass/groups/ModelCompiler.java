package io.ryegrass.groups;

import io.ryegrass.groups.CompiledGroup.PrivateComponent;
import io.ryegrass.groups.GroupResources.Access;
import io.ryegrass.groups.GroupResources.Resource;
import io.ryegrass.groups.GroupResources.Type;
import io.ryegrass.groups.ModelLookup.Model;
import io.ryegrass.model.ComponentType;
import io.ryegrass.model.ComponentVersion;
import io.ryegrass.model.Recipe;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.node.ObjectNode;

/**
 * Machine-learning resources (MLI rows). The archive becomes a component of its own whose version
 * follows its content, so that a model that did not change is not fetched again (MLI-02); what a
 * function has of it is {@code mlResources} in the function's configuration: component, artifact,
 * destination, permission and owner.
 */
final class ModelCompiler {
  private final ModelLookup lookup;
  private final CompilerOutput out;
  private final Map<String, PrivateComponent> made = new LinkedHashMap<>();
  private final Set<String> explained = new HashSet<>();

  ModelCompiler(ModelLookup lookup, CompilerOutput out) {
    this.lookup = lookup;
    this.out = out;
  }

  /** Writes what a function has of models into its configuration. */
  void attach(boolean container, List<Access> accesses, ObjectNode configuration) {
    int index = 0;
    for (Access access : accesses) {
      Resource resource = access.resource();
      if (!resource.type().model()) {
        continue;
      }
      if (resource.type() == Type.SAGEMAKER_MODEL) {
        out.missing(
            "Resource "
                + resource.id()
                + " takes its model from SageMaker job "
                + resource.data().path("SageMakerJobArn").asString("")
                + ", which cannot be read here. Put the job's model.tar.gz into a bucket and"
                + " refer to it by S3Uri.");
        continue;
      }
      // Two resources of one archive are one component.
      String uri = resource.data().path("S3Uri").asString("");
      PrivateComponent component = made.get(uri);
      if (component == null) {
        component = component(resource);
        made.put(uri, component);
      }
      if (explained.add(resource.id())) {
        Recipe recipe = component.recipe();
        out.became(
            "resource",
            resource.id(),
            recipe.componentName()
                + " "
                + recipe.componentVersion().text()
                + " (archive of the model)",
            "mlResources of each function that has it.");
      }
      ObjectNode entry =
          configuration.withObject("/mlResources").putObject(Integer.toString(index++));
      entry
          .put("resourceId", resource.id())
          .put("component", component.recipe().componentName())
          .put("version", component.recipe().componentVersion().text())
          .put("artifact", component.fileName())
          .put("destinationPath", resource.destination())
          .put("permission", access.permission())
          .put("linked", !container);
      if (!resource.owner().isEmpty()) {
        entry.put("groupOwner", resource.owner());
      }
    }
  }

  private PrivateComponent component(Resource resource) {
    String uri = resource.data().path("S3Uri").asString("");
    String lower = uri.toLowerCase(Locale.ROOT);
    boolean zip = lower.endsWith(".zip");
    if (!zip && !lower.endsWith(".tar.gz") && !lower.endsWith(".tgz")) {
      throw new GroupCompilationException(
          "Resource "
              + resource.id()
              + " takes its model from "
              + uri
              + ", which is neither a .tar.gz nor a .zip archive.");
    }
    Model model =
        lookup
            .find(uri)
            .orElseThrow(
                () ->
                    new GroupCompilationException(
                        "Resource "
                            + resource.id()
                            + " takes its model from "
                            + uri
                            + ", where there is no object."));
    String file = zip ? "model.zip" : "model.tar.gz";
    Recipe.Artifact artifact =
        new Recipe.Artifact(
            "greengrass:" + file,
            model.sha256(),
            "SHA-256",
            zip ? Recipe.Unarchive.ZIP : Recipe.Unarchive.TAR,
            new Recipe.Permission(Recipe.Access.ALL, Recipe.Access.NONE));
    Recipe recipe =
        new Recipe(
            "model." + FunctionCompiler.clean(uri.replaceFirst("^[a-z0-9]+://", "")),
            version(model.sha256()),
            ComponentType.GENERIC,
            "Machine-learning model from " + uri,
            "",
            "",
            Shapes.empty(),
            Map.of(),
            List.of(
                new Recipe.Manifest(
                    "linux", Map.of("os", "linux"), Shapes.empty(), List.of(), List.of(artifact))),
            Shapes.empty());
    PrivateComponent component = new PrivateComponent(recipe, file, model.content());
    out.put(component, Shapes.empty());
    return component;
  }

  /** Another content is another version: two numbers below a million, from the digest. */
  private static ComponentVersion version(String sha256) {
    ByteBuffer digest = ByteBuffer.wrap(Base64.getDecoder().decode(sha256));
    int minor = Integer.remainderUnsigned(digest.getInt(0), 1_000_000);
    int patch = Integer.remainderUnsigned(digest.getInt(4), 1_000_000);
    return ComponentVersion.parse("1." + minor + "." + patch);
  }
}
