package io.ryegrass.cli.device;

import io.ryegrass.cli.device.CoreAccess.CommandFailure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Clock;
import java.time.Year;
import java.time.ZoneId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ArrayNode;

/** {@code logs get|list-keywords|list-log-files} (CLI-20 to CLI-24). */
@Command(
    name = "logs",
    mixinStandardHelpOptions = true,
    description = "Read logs of the core and its components",
    subcommands = HelpCommand.class)
final class LogsCommands extends CommandGroup {
  private static final List<Path> SYSTEM_LOGS =
      List.of(
          Path.of("/var/log/messages"), Path.of("/var/log/syslog"), Path.of("/var/log/system.log"));

  @Command(
      name = "get",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      description = "Prints lines of logs, in the order of their times")
  void get(
      @Option(
              names = {"-ld", "--log-dir"},
              split = ",",
              description = "folders with logs (default: logs of the core's root folder)")
          @Nullable List<Path> folders,
      @Option(
              names = {"-lf", "--log-file"},
              split = ",",
              description = "files; may be repeated")
          @Nullable List<Path> files,
      @Option(
              names = {"-t", "--time-window"},
              description = "<begin>,<end>; may be repeated")
          @Nullable List<String> windows,
      @Option(
              names = {"-f", "--filter"},
              description =
                  "word, regular expression or key=value; with commas: one of them; repeated: all")
          @Nullable List<String> filters,
      @Option(
              names = {"-fol", "--follow"},
              description = "go on with what is written from now on")
          boolean follow,
      @Option(
              names = {"-b", "--before"},
              defaultValue = "0",
              description = "lines before each match")
          int before,
      @Option(
              names = {"-a", "--after"},
              defaultValue = "0",
              description = "lines after each match")
          int after,
      @Option(names = "--verbose", description = "all fields of each line") boolean verbose,
      @Option(
              names = {"-nc", "--no-color"},
              description = "no colours")
          boolean noColor,
      @Option(
              names = {"-s", "--syslog"},
              description = "the system's log")
          boolean syslog,
      @Option(
              names = {"-m", "--max-log-queue-size"},
              defaultValue = "100",
              description = "accepted for compatibility; lines are not queued here")
          int queue) {
    if (syslog && (folders != null || verbose)) {
      throw usage("--syslog does not go with --log-dir or --verbose");
    }
    if (before < 0 || after < 0 || queue < 1) {
      throw usage("--before and --after must be 0 or more, --max-log-queue-size 1 or more");
    }
    List<LogTimes.Window> times = new ArrayList<>();
    LogTimes parser = new LogTimes(Clock.systemUTC(), ZoneId.systemDefault());
    for (String window : windows == null ? List.<String>of() : windows) {
      try {
        times.add(parser.window(window));
      } catch (IllegalArgumentException e) {
        throw usage(String.valueOf(e.getMessage()));
      }
    }
    List<Path> read = syslog ? systemLogs(files) : logs(folders, files);
    LogFilter filter = new LogFilter(filters == null ? List.of() : filters, times);
    Printer printer = new Printer(filter, before, after, verbose, noColor);
    Year year = Year.now(ZoneId.systemDefault());
    LogReader reader =
        new LogReader(line -> syslog ? LogEntry.ofSystem(line, year) : LogEntry.of(line));
    try {
      reader.read(read, printer::take);
      if (follow) {
        out().flush();
        reader.follow(read, printer::take, () -> !out().checkError());
      }
    } catch (IOException e) {
      throw new CommandFailure("cannot read the logs: " + e);
    }
    out().flush();
  }

  private List<Path> systemLogs(@Nullable List<Path> files) {
    if (files != null) {
      return logs(List.of(), files);
    }
    List<Path> there = SYSTEM_LOGS.stream().filter(Files::isReadable).toList();
    if (there.isEmpty()) {
      throw new CommandFailure(
          "none of the system's logs can be read: " + SYSTEM_LOGS + "; name one with --log-file");
    }
    return there;
  }

  private List<Path> logs(@Nullable List<Path> folders, @Nullable List<Path> files) {
    Set<Path> found = new LinkedHashSet<>();
    List<Path> look =
        folders != null
            ? folders
            : files != null ? List.of() : List.of(cli.rootFolder().resolve("logs"));
    for (Path folder : look) {
      found.addAll(inFolder(folder));
    }
    for (Path file : files == null ? List.<Path>of() : files) {
      if (!Files.isReadable(file) || !Files.isRegularFile(file)) {
        throw usage("--log-file cannot be read: " + file);
      }
      found.add(file.toAbsolutePath().normalize());
    }
    if (found.isEmpty()) {
      throw new CommandFailure("No log file found.");
    }
    return List.copyOf(found);
  }

  private Set<Path> inFolder(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw usage("--log-dir is no folder: " + folder);
    }
    try (Stream<Path> all = Files.walk(folder, 4)) {
      Set<Object> known = new HashSet<>();
      Set<Path> logs = new TreeSet<>();
      List<Path> found =
          all.filter(Files::isRegularFile)
              .filter(file -> String.valueOf(file.getFileName()).matches(".*\\.log(\\.gz)?"))
              .sorted(Comparator.comparing(file -> file.toString().length()))
              .toList();
      for (Path file : found) {
        // the newest file may also be there under a second name
        Object key = Files.readAttributes(file, BasicFileAttributes.class).fileKey();
        if (key == null || known.add(key)) {
          logs.add(file.toAbsolutePath().normalize());
        }
      }
      return logs;
    } catch (IOException e) {
      throw new CommandFailure("cannot list " + folder + ": " + e.getMessage());
    }
  }

  @Command(
      name = "list-keywords",
      mixinStandardHelpOptions = true,
      description = "Prints the keys that filters know")
  void listKeywords(
      @Option(
              names = {"-s", "--syslog"},
              description = "those of the system's log")
          boolean syslog) {
    String keys =
        syslog
            ? "priority=$int host=$str logger=$str class=$str"
            : "level=$str thread=$str loggerName=$str eventType=$str serviceName=$str error=$str";
    ArrayNode json = Result.JSON.createArrayNode();
    for (String key : keys.split(" ")) {
      json.add(key.substring(0, key.indexOf('=')));
    }
    print(json, out -> out.println(keys));
  }

  @Command(
      name = "list-log-files",
      mixinStandardHelpOptions = true,
      description = "Prints which log files there are")
  void listLogFiles(
      @Option(
              names = {"-ld", "--log-dir"},
              split = ",",
              description = "folders with logs (default: logs of the core's root folder)")
          @Nullable List<Path> folders) {
    Set<Path> found = new TreeSet<>();
    for (Path folder : folders == null ? List.of(cli.rootFolder().resolve("logs")) : folders) {
      found.addAll(inFolder(folder));
    }
    ArrayNode json = Result.JSON.createArrayNode();
    found.forEach(file -> json.add(file.toString()));
    print(
        json,
        out -> {
          if (found.isEmpty()) {
            out.println("No log file found.");
            return;
          }
          found.forEach(out::println);
          out.println("Total " + found.size() + " files found.");
        });
  }

  /** Prints what matches, with the lines before and after. */
  private final class Printer {
    private final LogFilter filter;
    private final int before;
    private final int after;
    private final boolean verbose;
    private final boolean noColor;
    private final ArrayDeque<LogEntry> last = new ArrayDeque<>();
    private int more;

    Printer(LogFilter filter, int before, int after, boolean verbose, boolean noColor) {
      this.filter = filter;
      this.before = before;
      this.after = after;
      this.verbose = verbose;
      this.noColor = noColor;
    }

    void take(LogEntry entry) {
      if (filter.wants(entry)) {
        last.forEach(this::print);
        last.clear();
        print(entry);
        more = after;
      } else if (more > 0) {
        more--;
        print(entry);
      } else if (before > 0) {
        if (last.size() == before) {
          last.removeFirst();
        }
        last.addLast(entry);
      }
    }

    private void print(LogEntry entry) {
      if (cli.output == CliMain.Output.json) {
        var json = CoreAccess.empty();
        if (entry.time() != null) {
          json.put("timestamp", entry.time().toString());
        }
        entry.fields().forEach(json::put);
        out().println(Result.line(json.put("text", entry.text())));
      } else {
        out().println(noColor ? entry.text() : filter.highlighted(entry));
        if (verbose && !entry.fields().isEmpty()) {
          out().println("    " + entry.fields());
        }
      }
      out().flush();
    }
  }
}
