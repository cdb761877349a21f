package io.ryegrass.cli.device;

import io.ryegrass.cli.device.CoreAccess.CommandFailure;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/**
 * {@code support-bundle}: one ZIP with what someone needs to help, without secrets. Keys,
 * certificates, tokens, component artifacts and working folders are never in it; configuration and
 * logs are redacted line by line.
 */
@Command(
    name = "support-bundle",
    mixinStandardHelpOptions = true,
    description = "Writes a ZIP with logs, configuration and findings; secrets are redacted")
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class SupportBundleCommand implements Runnable {
  private static final long LOG_BYTES_EACH = 2L << 20;
  private static final int MAX_LOGS = 100;

  @ParentCommand CliMain cli;
  @Spec CommandSpec spec;

  @Option(
      names = {"-f", "--file"},
      paramLabel = "<file>",
      description = "where to write it (default: ryegrass-support-<time>.zip here)")
  @Nullable Path file;

  @Option(names = "--offline", description = "leave out checks of the network")
  boolean offline;

  @Override
  public void run() {
    Path root = cli.rootFolder();
    Path target =
        file != null
            ? file.toAbsolutePath()
            : Path.of(
                    "ryegrass-support-" + Instant.now().toString().replaceAll("[:.]", "-") + ".zip")
                .toAbsolutePath();
    Path part = target.resolveSibling(target.getFileName() + ".part");
    ArrayNode names = Result.JSON.createArrayNode();
    try {
      Files.deleteIfExists(part);
      Files.createFile(
          part, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(part))) {
        fill(zip, root, names);
      }
      Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new CommandFailure(
          "cannot write " + target + " (" + e.getMessage() + "); name another --file");
    }
    ObjectNode json = CoreAccess.empty().put("file", target.toString());
    json.set("entries", names);
    Result.print(
        cli,
        spec.commandLine().getOut(),
        json,
        out -> out.println(target + " (" + names.size() + " entries, secrets redacted)"));
  }

  private void fill(ZipOutputStream zip, Path root, ArrayNode names) throws IOException {
    add(zip, names, "about.json", Result.line(about(root)));
    ArrayNode findings = Result.JSON.createArrayNode();
    new Doctor(root, !offline)
        .examine()
        .forEach(
            f ->
                findings
                    .addObject()
                    .put("check", f.check())
                    .put("status", f.status().name())
                    .put("finding", f.finding())
                    .put("remedy", f.remedy()));
    add(zip, names, "doctor.json", pretty(findings));
    Path config = root.resolve("config/config.yaml");
    if (Files.isReadable(config)) {
      add(zip, names, "config.json", pretty(configuration(config)));
    }
    CoreAccess core = new CoreAccess(root, List::of);
    for (String operation : List.of("ListComponents", "ListLocalDeployments")) {
      try {
        add(
            zip,
            names,
            operation + ".json",
            pretty(Redaction.json(core.call(operation, CoreAccess.empty()))));
      } catch (RuntimeException e) {
        add(zip, names, operation + ".txt", "not to be had: " + e.getMessage());
      }
    }
    for (Path log : logs(root.resolve("logs"))) {
      addLog(zip, names, log);
    }
  }

  private static JsonNode configuration(Path config) throws IOException {
    try {
      return Redaction.json(YAMLMapper.shared().readTree(Files.readString(config)));
    } catch (JacksonException e) {
      return CoreAccess.empty().put("unreadable", e.getOriginalMessage());
    }
  }

  private static ObjectNode about(Path root) {
    return CoreAccess.empty()
        .put("time", Instant.now().toString())
        .put("root", root.toString())
        .put("cli", new CliMain.Version().getVersion()[0])
        .put("os", System.getProperty("os.name") + " " + System.getProperty("os.version"))
        .put("architecture", System.getProperty("os.arch"))
        .put("java", System.getProperty("java.version"))
        .put("processors", Runtime.getRuntime().availableProcessors());
  }

  private static String pretty(JsonNode json) {
    return Result.JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json);
  }

  private static void add(ZipOutputStream zip, ArrayNode names, String name, String text)
      throws IOException {
    zip.putNextEntry(new ZipEntry(name));
    zip.write(text.getBytes(StandardCharsets.UTF_8));
    zip.closeEntry();
    names.add(name);
  }

  /** The newest first. */
  private static List<Path> logs(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(f -> Files.isRegularFile(f) && String.valueOf(f.getFileName()).endsWith(".log"))
          .sorted(Comparator.comparing((Path f) -> f.toFile().lastModified()).reversed())
          .limit(MAX_LOGS)
          .toList();
    }
  }

  /** The end of a log, where a private key may span lines. */
  private static void addLog(ZipOutputStream zip, ArrayNode names, Path log) throws IOException {
    zip.putNextEntry(new ZipEntry("logs/" + log.getFileName()));
    try (InputStream in = Files.newInputStream(log)) {
      in.skipNBytes(Math.max(0, Files.size(log) - LOG_BYTES_EACH));
      BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
      boolean inKey = false;
      String line;
      while ((line = reader.readLine()) != null) {
        boolean begins = line.contains("PRIVATE KEY-----") && line.contains("BEGIN");
        if (!inKey) {
          zip.write((Redaction.text(line) + "\n").getBytes(StandardCharsets.UTF_8));
        }
        inKey = (inKey || begins) && !(line.contains("END") && line.contains("PRIVATE KEY-----"));
      }
    }
    zip.closeEntry();
    names.add("logs/" + log.getFileName());
  }
}
