package io.ryegrass.cli.v1;

import io.ryegrass.cli.CliException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Finds out what each file is and hands it to its reader. */
final class RescueFiles {
  private static final long MAX_BYTES = 256L << 20;

  private final Map<String, String> parameters;
  private final String region;
  private final String account;
  private final Rescue rescue = new Rescue();
  private final DumpReader dumps = new DumpReader(rescue);

  private RescueFiles(Map<String, String> parameters, String region, String account) {
    this.parameters = parameters;
    this.region = region;
    this.account = account;
  }

  /**
   * @param runtimes function name → runtime and handler, for folders of cores
   * @param region Region and account that templates are evaluated for
   */
  static Rescue read(
      List<Path> paths,
      Map<String, String> parameters,
      Map<String, String[]> runtimes,
      String region,
      String account) {
    RescueFiles files = new RescueFiles(parameters, region, account);
    for (Path path : paths) {
      if (Files.isDirectory(path) && CoreFolderReader.is(path)) {
        CoreFolderReader.read(path, runtimes, files.rescue);
      } else if (Files.isDirectory(path)) {
        files.folder(path);
      } else {
        files.file(path, path.getFileName().toString());
      }
    }
    files.dumps.finish();
    DumpReader.unknownFunctions(files.rescue);
    return files.rescue;
  }

  private void folder(Path folder) {
    try (Stream<Path> all = Files.walk(folder)) {
      all.filter(Files::isRegularFile)
          .sorted()
          .forEach(file -> file(file, folder.relativize(file).toString()));
    } catch (IOException e) {
      throw new CliException("cannot read " + folder + " (" + e + ")");
    }
  }

  private void file(Path file, String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    byte[] content = content(file);
    if (lower.endsWith(".zip")) {
      dumps.zip(String.valueOf(file.getFileName()), content);
      return;
    }
    String text = new String(content, java.nio.charset.StandardCharsets.UTF_8);
    if (text.contains("-----BEGIN CERTIFICATE-----") && !text.stripLeading().startsWith("{")) {
      rescue.certificates.add(new Rescue.Certificate(name, text, ""));
      return;
    }
    JsonNode document;
    try {
      document =
          text.stripLeading().startsWith("{")
              ? JsonMapper.shared().readTree(text)
              : lower.endsWith(".yaml") || lower.endsWith(".yml") || lower.endsWith(".template")
                  ? TemplateYaml.read(text)
                  : JsonMapper.shared().createArrayNode();
    } catch (JacksonException e) {
      rescue.left.add(name + " is not JSON: " + e.getOriginalMessage());
      return;
    } catch (YamlEngineException e) {
      rescue.left.add(name + " is not YAML: " + e.getMessage());
      return;
    }
    if (document instanceof ObjectNode template && TemplateReader.is(template)) {
      TemplateReader.read(name, template, parameters, region, account, rescue);
    } else if (!dumps.json(name, document)) {
      rescue.left.add(name + ": nothing that is known here");
    }
  }

  private static byte[] content(Path file) {
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new CliException(file + " is larger than " + (MAX_BYTES >> 20) + " MB");
      }
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new CliException("cannot read " + file + " (" + e + ")");
    }
  }
}
