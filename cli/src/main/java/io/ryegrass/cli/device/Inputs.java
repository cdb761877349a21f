package io.ryegrass.cli.device;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Values of options that are a text or the name of a file with the text (CLI-03, CLI-13). */
final class Inputs {
  private Inputs() {}

  /** JSON as given, or in the file that is named. */
  static ObjectNode object(CommandSpec spec, String option, String value) {
    String text = value.strip().startsWith("{") ? value : file(spec, option, value);
    JsonNode json;
    try {
      json = Result.JSON.readTree(text);
    } catch (JacksonException e) {
      throw new ParameterException(
          spec.commandLine(), option + " is not valid JSON: " + e.getOriginalMessage());
    }
    if (json instanceof ObjectNode object) {
      return object;
    }
    throw new ParameterException(spec.commandLine(), option + " must be a JSON object");
  }

  private static String file(CommandSpec spec, String option, String value) {
    String name = value.startsWith("file://") ? value.substring(7) : value;
    try {
      return Files.readString(Path.of(name));
    } catch (IOException | InvalidPathException e) {
      throw new ParameterException(
          spec.commandLine(),
          option + " is neither a JSON object nor a file that can be read: " + value);
    }
  }

  /** A folder that is there, as an absolute path. */
  static Path folder(CommandSpec spec, String option, Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new ParameterException(
          spec.commandLine(), option + " names no folder: " + folder.toAbsolutePath());
    }
    return folder.toAbsolutePath().normalize();
  }

  /** A message as given, or the content of the file that it names (CLI-26). */
  static byte[] message(String value) {
    try {
      Path file = Path.of(value);
      if (Files.isRegularFile(file)) {
        return Files.readAllBytes(file);
      }
    } catch (IOException | InvalidPathException e) {
      return value.getBytes(java.nio.charset.StandardCharsets.UTF_8);
    }
    return value.getBytes(java.nio.charset.StandardCharsets.UTF_8);
  }
}
