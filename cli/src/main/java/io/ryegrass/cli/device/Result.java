package io.ryegrass.cli.device;

import java.io.PrintWriter;
import java.util.function.Consumer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Prints what a command found, in the form that was asked for. */
final class Result {
  static final JsonMapper JSON = JsonMapper.shared();

  private Result() {}

  /**
   * @param text writes the same for people
   */
  static void print(CliMain cli, PrintWriter out, JsonNode json, Consumer<PrintWriter> text) {
    if (cli.output == CliMain.Output.json) {
      out.println(JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json));
    } else {
      text.accept(out);
    }
    out.flush();
  }

  /** One line of JSON, for results that come one by one. */
  static String line(JsonNode json) {
    return JSON.writeValueAsString(json);
  }
}
