package io.ryegrass.coreapp.provisioning;

import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A provisioning plugin: a program in {@code plugins/trusted} (PRV-20 … PRV-23; decision 016). It
 * reads one JSON object from standard input (provisioningPolicy, parameterMap) and prints one
 * (systemConfiguration, nucleusConfiguration). Exit code 0: that is it; 75: try again later; any
 * other: give up. Standard error goes to the core's log.
 */
final class PluginSource implements Source {
  private static final Logger LOG = LoggerFactory.getLogger(PluginSource.class);
  private static final Duration PATIENCE = Duration.ofMinutes(5);

  /** EX_TEMPFAIL of sysexits.h: what the contract calls a retryable exception. */
  private static final int LATER = 75;

  private static final int MAX_OUTPUT = 1 << 20;
  private static final int MAX_ERROR_LINE = 2000;

  private final Path program;
  private final Path root;
  private final JsonNode parameters;

  PluginSource(Path root, Path program, JsonNode parameters) {
    this.root = root;
    this.program = program;
    this.parameters = parameters;
  }

  /** Its parameters stand under the name of the file without the ending. */
  static String pluginName(Path program) {
    return String.valueOf(program.getFileName()).replaceFirst("\\.(jar|sh|py)$", "");
  }

  @Override
  public String name() {
    return "the plugin " + program;
  }

  @Override
  public Identity get() throws InterruptedException, GaveUp {
    requireTrusted();
    JsonNode said = run();
    JsonNode system = said.path("systemConfiguration");
    JsonNode nucleus = said.path("nucleusConfiguration");
    return new Identity(
        text(system, "thingName"),
        text(system, "certificateFilePath"),
        text(system, "privateKeyPath"),
        text(system, "rootCAPath"),
        text(nucleus, "awsRegion"),
        text(nucleus, "iotRoleAlias"),
        text(nucleus, "iotDataEndpoint"),
        text(nucleus, "iotCredentialsEndpoint"));
  }

  private static @Nullable String text(JsonNode node, String name) {
    String value = node.path(name).asString("");
    return value.isBlank() ? null : value;
  }

  /** It runs with the core's rights, so nobody else may be able to change it. */
  private void requireTrusted() throws GaveUp {
    for (Path p : new Path[] {program, program.resolveSibling("")}) {
      try {
        Set<PosixFilePermission> mode = Files.getPosixFilePermissions(p);
        if (mode.contains(PosixFilePermission.GROUP_WRITE)
            || mode.contains(PosixFilePermission.OTHERS_WRITE)) {
          throw new GaveUp(p + " can be changed by others and is not run; chmod go-w " + p);
        }
      } catch (IOException e) {
        throw new GaveUp(p + " cannot be looked at: " + e.getMessage());
      }
    }
  }

  private JsonNode run() throws InterruptedException, GaveUp {
    boolean jar = program.toString().endsWith(".jar");
    List<String> command =
        jar
            ? List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-jar",
                program.toString())
            : List.of(program.toString());
    Process process;
    try {
      process = new ProcessBuilder(command).directory(root.toFile()).start();
    } catch (IOException e) {
      throw new GaveUp(program + " cannot be started: " + e.getMessage());
    }
    try {
      Thread errors = Thread.ofVirtual().start(() -> copyErrors(process.getErrorStream()));
      FutureTask<byte[]> output =
          new FutureTask<>(() -> process.getInputStream().readNBytes(MAX_OUTPUT));
      Thread.ofVirtual().start(output);
      ObjectNode context = JsonMapper.shared().createObjectNode();
      context.put("provisioningPolicy", "PROVISION_IF_NOT_PROVISIONED");
      context.set(
          "parameterMap",
          parameters.isObject() ? parameters : JsonMapper.shared().createObjectNode());
      try (OutputStream in = process.getOutputStream()) {
        in.write(JsonMapper.shared().writeValueAsBytes(context));
      } catch (IOException e) {
        LOG.debug("{} did not read its input: {}", program, e.getMessage());
      }
      if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        throw later("did not end within " + PATIENCE.toMinutes() + " minutes");
      }
      errors.join(Duration.ofSeconds(5));
      int code = process.exitValue();
      if (code == LATER) {
        throw later("asks to be run again later");
      }
      if (code != 0) {
        throw new GaveUp(
            program + " ended with exit code " + code + "; see its words in the core's log");
      }
      try {
        return JsonMapper.shared().readTree(output.get(5, TimeUnit.SECONDS));
      } catch (JacksonException e) {
        throw new GaveUp(program + " printed no JSON: " + e.getOriginalMessage());
      } catch (ExecutionException | TimeoutException e) {
        throw new GaveUp("what " + program + " printed cannot be read: " + e);
      }
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }

  private NucleusException later(String why) {
    return new NucleusException("PROVISIONING_RETRY", program + " " + why + ".");
  }

  private void copyErrors(InputStream in) {
    try (var lines =
        new java.io.BufferedReader(new java.io.InputStreamReader(in, StandardCharsets.UTF_8))) {
      String line;
      int shown = 0;
      while ((line = lines.readLine()) != null) {
        if (++shown <= 200) {
          LOG.info(
              "{}: {}",
              program.getFileName(),
              line.length() > MAX_ERROR_LINE ? line.substring(0, MAX_ERROR_LINE) + "…" : line);
        }
      }
    } catch (IOException e) {
      LOG.debug("errors of a plugin: {}", e.getMessage());
    }
  }

  @Override
  public void done() {
    // the plugin stays where it is; an identity is not asked for again (S-22)
  }
}
