package io.ryegrass.cli.device;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine;

/** One run of the command line in this process. */
record CommandRun(int code, String out, String err) {
  static CommandRun of(Path root, String... args) {
    List<String> all = new ArrayList<>(List.of("--ggcRootPath", root.toString()));
    all.addAll(List.of(args));
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine line = CliMain.commandLine();
    line.setOut(new PrintWriter(out, true));
    line.setErr(new PrintWriter(err, true));
    int code = line.execute(all.toArray(String[]::new));
    return new CommandRun(code, out.toString(), err.toString());
  }
}
