package io.ryegrass.groups;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.ServiceOperations;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a group version becomes, without deploying it: our own operation; {@code ryegrass groups
 * explain} prints it. The components are those of a CreateDeployment of V2, which is the way from a
 * group to V2.
 */
final class ExplainApi {
  private final ContentsReader contents;
  private final GroupSurroundings surroundings;

  ExplainApi(ContentsReader contents, GroupSurroundings surroundings) {
    this.contents = contents;
    this.surroundings = surroundings;
  }

  ServiceOperations operations() {
    return ServiceOperations.of("ryegrass")
        .json("ExplainGroupVersion", (context, input) -> explain(input))
        .build();
  }

  private ObjectNode explain(ObjectNode input) {
    CompiledGroup compiled;
    GroupContents group;
    try {
      group =
          contents.read(
              input.path("groupId").asString(""), input.path("groupVersionId").asString(""));
      compiled = GroupCompiler.compile(group, surroundings);
    } catch (GroupCompilationException e) {
      throw new AwsException("ValidationException", 400, String.valueOf(e.getMessage()));
    }
    ObjectNode output =
        Shapes.empty()
            .put("groupName", group.groupName())
            .put("coreDeviceThingName", compiled.coreThingName());
    ArrayNode entries = output.putArray("entries");
    compiled
        .explanation()
        .forEach(
            e ->
                entries
                    .addObject()
                    .put("kind", e.kind())
                    .put("entry", e.what())
                    .put("became", e.became())
                    .put("note", e.note()));
    compiled.missing().forEach(output.putArray("missing")::add);
    ObjectNode components = Shapes.empty();
    compiled
        .components()
        .forEach(
            (name, update) -> {
              ObjectNode component = components.putObject(name);
              component.put("componentVersion", update.version());
              var configuration = update.configurationUpdate();
              ObjectNode merge = configuration == null ? null : configuration.merge();
              if (merge != null) {
                component.putObject("configurationUpdate").put("merge", merge.toString());
              }
            });
    return output.put("components", components.toString());
  }
}
