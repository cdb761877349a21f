package io.ryegrass.bench.lambda;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A function to be deployed.
 *
 * @param files its package; everything is made executable when it is deployed
 * @param configuration further keys of the component
 */
record Function(
    String name,
    String runtime,
    String handler,
    Map<String, byte[]> files,
    Map<String, Object> configuration) {
  static final String VERSION = "1.0.0";

  /** On demand and without a container, unless said otherwise. */
  Function(String name, String runtime, String handler, Map<String, byte[]> files) {
    this(name, runtime, handler, files, Map.of());
  }

  Function withName(String other) {
    return new Function(other, runtime, handler, files, configuration);
  }

  Function with(String key, Object value) {
    Map<String, Object> more = new LinkedHashMap<>(configuration);
    more.put(key, value);
    return new Function(name, runtime, handler, files, more);
  }

  private String configurationText() {
    ObjectNode all = JsonMapper.shared().createObjectNode();
    all.put("lambdaArn", arn()).put("runtime", runtime).put("handler", handler);
    all.put("pinned", false).put("containerMode", "NoContainer").put("timeoutInSeconds", 60);
    configuration.forEach((key, value) -> all.set(key, JsonMapper.shared().valueToTree(value)));
    return all.toString();
  }

  String arn() {
    return "arn:aws:lambda:us-east-1:000000000000:function:" + name + ":1";
  }

  static byte[] text(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** Writes recipe and artifact. */
  void write(Path recipes, Path artifacts) {
    String recipe =
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: %1$s
        ComponentVersion: %2$s
        ComponentType: aws.greengrass.lambda
        ComponentPublisher: bench
        ComponentDependencies:
          aws.greengrass.LambdaManager: {VersionRequirement: '>=2.0.0 <3.0.0', DependencyType: HARD}
        ComponentConfiguration:
          DefaultConfiguration: %3$s
        Manifests:
          - Platform: {os: linux}
            Artifacts:
              - {URI: 'greengrass:lambda.zip', Unarchive: ZIP, Permission: {Read: ALL, Execute: ALL}}
        """
            .formatted(name, VERSION, configurationText());
    ByteArrayOutputStream zip = new ByteArrayOutputStream();
    try (ZipOutputStream out = new ZipOutputStream(zip)) {
      for (Map.Entry<String, byte[]> file : files.entrySet()) {
        out.putNextEntry(new ZipEntry(file.getKey()));
        out.write(file.getValue());
      }
      out.finish();
      Files.createDirectories(recipes);
      Files.writeString(recipes.resolve(name + "-" + VERSION + ".yaml"), recipe);
      Path folder = Files.createDirectories(artifacts.resolve(name).resolve(VERSION));
      Files.write(folder.resolve("lambda.zip"), zip.toByteArray());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
