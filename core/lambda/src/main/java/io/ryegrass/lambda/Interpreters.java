package io.ryegrass.lambda;

import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Finds the program that runs functions of a runtime (decision 045). In this order, and the first
 * that exists is it:
 *
 * <ol>
 *   <li>what {@code interpreters.<runtime>} in the configuration of aws.greengrass.LambdaManager
 *       names;
 *   <li>a program with one of V1's names for the very version (v1-lambda-runtime.md section 2.2:
 *       {@code nodejs12.x}, {@code java8}, {@code python3.7} …) in the folders of the system;
 *   <li>of the newer ones there the oldest; a line in the log says which;
 *   <li>the same two in what the core's PATH has beside those folders, where the worker may see it.
 *       A version manager's wrapper there costs a slow start, so it comes last.
 * </ol>
 *
 * An older interpreter never serves a newer runtime, but for Python, where {@code python3} serves
 * as it is.
 */
final class Interpreters {
  private static final Logger LOG = LoggerFactory.getLogger(Interpreters.class);
  private static final List<Path> SYSTEM_FOLDERS =
      List.of(Path.of("/usr/local/bin"), Path.of("/usr/bin"), Path.of("/bin"));
  private static final Path JVMS = Path.of("/usr/lib/jvm");

  /** How far above the version asked for names with a version in them are looked for. */
  private static final int NEWER = 30;

  /** Who must be able to start it. */
  enum Reach {
    /** The user of the core itself. */
    OWN_USER,
    OTHER_USER,
    CONTAINER
  }

  /**
   * A family of interpreters.
   *
   * @param id what a runtime id looks like; the groups are major and minor version
   * @param names the names a program of this version has; the runtime id is one more
   * @param generic names without a version
   * @param named how to name the version to people
   */
  private record Family(
      String title,
      Pattern id,
      Function<Version, List<String>> names,
      List<String> generic,
      String versionFlag,
      boolean olderServes) {}

  /** A version as far as it tells runtimes apart: Node.js and Java have a major number only. */
  record Version(int major, int minor) implements Comparable<Version> {
    @Override
    public int compareTo(Version o) {
      return Comparator.comparingInt(Version::major)
          .thenComparingInt(Version::minor)
          .compare(this, o);
    }

    String text(boolean withMinor) {
      return withMinor ? major + "." + minor : Integer.toString(major);
    }
  }

  private static final List<Family> FAMILIES =
      List.of(
          new Family(
              "Python",
              Pattern.compile("python(\\d+)\\.(\\d+).*"),
              v -> List.of("python" + v.major() + "." + v.minor()),
              List.of("python3"),
              "--version",
              true),
          new Family(
              "Node.js",
              Pattern.compile("nodejs(\\d+)()(?:\\..*)?"),
              v -> List.of("nodejs" + v.major() + ".x", "nodejs" + v.major(), "node" + v.major()),
              List.of("node", "nodejs"),
              "--version",
              false),
          new Family(
              "Java",
              Pattern.compile("java(\\d+)()(?:\\..*)?"),
              v -> List.of("java" + v.major()),
              List.of("java"),
              "-version",
              false));

  /**
   * A program that is to be used.
   *
   * @param program its path, the same for the core and for the worker
   * @param version its version; of a program with a version in its name that one
   * @param folders folders outside those of the system that the worker must see at the same place
   */
  record Found(Path program, Version version, List<Path> folders) {}

  private record Known(FileTime changed, Optional<Version> version) {}

  private static final Map<Path, Known> VERSIONS = new ConcurrentHashMap<>();
  private static final Set<String> TOLD = ConcurrentHashMap.newKeySet();

  private Interpreters() {}

  /** Whether this runtime is one that needs an interpreter. */
  static boolean isInterpreted(String runtime) {
    return family(runtime).isPresent();
  }

  private static Optional<Family> family(String runtime) {
    return FAMILIES.stream().filter(f -> f.id().matcher(runtime).matches()).findFirst();
  }

  /**
   * The interpreter for a function.
   *
   * @param manager configuration of aws.greengrass.LambdaManager
   * @throws NucleusException {@code RUNTIME_NOT_FOUND} that names the function, its runtime, what
   *     was looked for, and the remedy
   */
  static Found find(FunctionConfiguration f, ObjectNode manager, Reach reach) {
    Family family = family(f.runtime()).orElseThrow();
    Matcher id = family.id().matcher(f.runtime());
    var unused = id.matches();
    boolean withMinor = !id.group(2).isEmpty();
    Version asked =
        new Version(Integer.parseInt(id.group(1)), withMinor ? Integer.parseInt(id.group(2)) : 0);

    String configured = manager.path("interpreters").path(f.runtime()).asString("");
    if (!configured.isEmpty()) {
      Path program = Path.of(configured);
      if (!program.isAbsolute() || !Files.isExecutable(program)) {
        throw missing(
            f,
            "interpreters."
                + f.runtime()
                + " in the configuration of aws.greengrass.LambdaManager is "
                + configured
                + ", which is not the absolute path of a program",
            "correct it");
      }
      Version version = version(family, program).orElse(asked);
      return placed(program, version, reach)
          .orElseThrow(
              () ->
                  missing(
                      f,
                      configured + " cannot be used by the function: " + hindrance(program, reach),
                      "or put the interpreter under /usr or /opt"));
    }

    List<Path> added = reach == Reach.OWN_USER ? pathOfTheCore() : List.of();
    List<String> exact = new ArrayList<>(List.of(f.runtime()));
    family.names().apply(asked).stream().filter(n -> !exact.contains(n)).forEach(exact::add);
    Found found =
        in(SYSTEM_FOLDERS, family, asked, exact, reach)
            .or(() -> in(added, family, asked, exact, reach))
            .orElseThrow(
                () ->
                    missing(
                        f,
                        "neither "
                            + String.join(", ", exact)
                            + " nor a newer "
                            + family.generic().getFirst()
                            + " is in "
                            + Stream.concat(SYSTEM_FOLDERS.stream(), added.stream())
                                .map(Path::toString)
                                .collect(Collectors.joining(", "))
                            + (family.title().equals("Java") ? " or " + JVMS : ""),
                        "install "
                            + family.title()
                            + " "
                            + asked.text(withMinor)
                            + " or newer, or name it in the configuration of aws.greengrass.LambdaManager: interpreters."
                            + f.runtime()));
    if (!found.version().equals(asked) && TOLD.add(f.arn() + found.program())) {
      LOG.info(
          "{} asks for {}; {} ({} {}) runs it",
          f.arn(),
          f.runtime(),
          found.program(),
          family.title(),
          found.version().text(withMinor));
    }
    return found;
  }

  /** What the core's PATH has beside the system's folders. */
  private static List<Path> pathOfTheCore() {
    return Stream.of(System.getenv().getOrDefault("PATH", "").split(":"))
        .filter(folder -> folder.startsWith("/"))
        .map(Path::of)
        .filter(folder -> !SYSTEM_FOLDERS.contains(folder))
        .distinct()
        .toList();
  }

  /** The very version in these folders, else of the newer ones the oldest. */
  private static Optional<Found> in(
      List<Path> folders, Family family, Version asked, List<String> exact, Reach reach) {
    return programs(folders, exact)
        .flatMap(p -> placed(p, asked, reach).stream())
        .findFirst()
        .or(
            () ->
                others(family, asked, folders)
                    .flatMap(c -> placed(c.program(), c.version(), reach).stream())
                    .filter(c -> family.olderServes() || c.version().compareTo(asked) >= 0)
                    .min(
                        Comparator.comparing((Found c) -> c.version().compareTo(asked) < 0)
                            .thenComparing(Found::version)));
  }

  private static NucleusException missing(FunctionConfiguration f, String what, String remedy) {
    return new NucleusException(
        "RUNTIME_NOT_FOUND",
        "The function "
            + f.arn()
            + " needs "
            + f.runtime()
            + ", but "
            + what
            + "; "
            + remedy
            + ".");
  }

  private static Stream<Path> programs(List<Path> folders, List<String> names) {
    return names.stream()
        .flatMap(n -> folders.stream().map(p -> p.resolve(n)).filter(Files::isExecutable));
  }

  private record Candidate(Path program, Version version) {}

  /** Programs of other versions, those of the system first. */
  private static Stream<Candidate> others(Family family, Version asked, List<Path> folders) {
    boolean minor = family.title().equals("Python");
    Stream<Candidate> named =
        IntStream.rangeClosed(1, NEWER)
            .mapToObj(
                n ->
                    minor
                        ? new Version(asked.major(), asked.minor() + n)
                        : new Version(asked.major() + n, 0))
            .flatMap(v -> programs(folders, family.names().apply(v)).map(p -> new Candidate(p, v)));
    List<Path> generic = new ArrayList<>(programs(folders, family.generic()).toList());
    if (family.title().equals("Java")) {
      generic.addAll(jvms());
    }
    return Stream.concat(
        named,
        generic.stream().flatMap(p -> version(family, p).map(v -> new Candidate(p, v)).stream()));
  }

  /** Debian's folder of Java installations, and, when all else fails, the core's own Java. */
  private static List<Path> jvms() {
    Set<Path> all = new LinkedHashSet<>();
    if (Files.isDirectory(JVMS)) {
      try (Stream<Path> entries = Files.list(JVMS)) {
        entries.sorted().map(e -> e.resolve("bin/java")).forEach(all::add);
      } catch (IOException e) {
        LOG.debug("{} cannot be read: {}", JVMS, e.toString());
      }
    }
    all.add(Path.of(System.getProperty("java.home", "/"), "bin", "java"));
    return all.stream().filter(Files::isExecutable).toList();
  }

  // ---- versions

  private static Optional<Version> version(Family family, Path program) {
    try {
      Path real = program.toRealPath();
      FileTime changed = Files.getLastModifiedTime(real);
      Known known = VERSIONS.get(real);
      if (known == null || !known.changed().equals(changed)) {
        known = new Known(changed, ask(family, program, real));
        VERSIONS.put(real, known);
      }
      return known.version();
    } catch (IOException e) {
      LOG.debug("{} cannot be used: {}", program, e.toString());
      return Optional.empty();
    }
  }

  private static Optional<Version> ask(Family family, Path program, Path real) throws IOException {
    Path release = real.resolveSibling("../release").normalize();
    if (family.title().equals("Java") && Files.isReadable(release)) {
      return parse(family, Files.readString(release, StandardCharsets.ISO_8859_1));
    }
    Process process =
        new ProcessBuilder(program.toString(), family.versionFlag())
            .redirectErrorStream(true)
            .redirectInput(Path.of("/dev/null").toFile())
            .start();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        LOG.warn("{} does not tell its version; it is left out", program);
        return Optional.empty();
      }
      byte[] said = process.getInputStream().readNBytes(4096);
      return parse(family, new String(said, StandardCharsets.ISO_8859_1));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    } finally {
      process.destroyForcibly();
    }
  }

  /** {@code v20.20.2}, {@code Python 3.11.2}, {@code "17.0.19"}, and Java's old {@code "1.8.0"}. */
  private static Optional<Version> parse(Family family, String text) {
    Pattern number =
        family.title().equals("Java")
            ? Pattern.compile("\"(?:1\\.)?(\\d+)()")
            : family.title().equals("Node.js")
                ? Pattern.compile("v(\\d+)()")
                : Pattern.compile("(\\d+)\\.(\\d+)");
    // A release file has more quoted texts than the version.
    String from =
        text.contains("JAVA_VERSION=") ? text.substring(text.indexOf("JAVA_VERSION=")) : text;
    Matcher matcher = number.matcher(from);
    if (!matcher.find()) {
      return Optional.empty();
    }
    return Optional.of(
        new Version(
            Integer.parseInt(matcher.group(1)),
            matcher.group(2).isEmpty() ? 0 : Integer.parseInt(matcher.group(2))));
  }

  // ---- what a worker can see

  /** The program as the worker names it; empty when the worker could not start it. */
  private static Optional<Found> placed(Path program, Version version, Reach reach) {
    try {
      List<Path> links = links(program);
      Path real = links.getLast();
      if (reach == Reach.OWN_USER) {
        return Optional.of(new Found(program, version, List.of()));
      }
      if (closed(links, reach).isPresent()) {
        return Optional.empty();
      }
      if (reach == Reach.OTHER_USER) {
        return Optional.of(new Found(program, version, List.of()));
      }
      if (ofTheSystem(program)) {
        // A link of the system to somewhere else: its target is what can be shown.
        return shown(ofTheSystem(real) ? program : real, version, List.of(real));
      }
      return shown(program, version, links);
    } catch (IOException e) {
      return Optional.empty(); // a dangling link, or it went away
    }
  }

  /** The program, what it is a link to, link by link, and last the file itself. */
  private static List<Path> links(Path program) throws IOException {
    Path real = program.toRealPath(); // or fails, also with links in a circle
    Set<Path> links = new LinkedHashSet<>(List.of(program));
    for (Path at = program; Files.isSymbolicLink(at); ) {
      at = at.resolveSibling("").toRealPath().resolve(Files.readSymbolicLink(at)).normalize();
      links.add(at);
    }
    links.remove(real);
    links.add(real);
    return List.copyOf(links);
  }

  private static Optional<Found> shown(Path program, Version version, List<Path> places)
      throws IOException {
    Set<Path> folders = new LinkedHashSet<>();
    for (Path place : places) {
      if (!ofTheSystem(place)) {
        folders.add(home(place));
      }
    }
    return isScript(places.getLast())
        ? Optional.empty()
        : Optional.of(new Found(program, version, List.copyOf(folders)));
  }

  /** A version manager's wrapper starts something of which the container has nothing. */
  private static boolean isScript(Path real) throws IOException {
    if (ofTheSystem(real)) {
      return false; // what it starts is shown as well
    }
    try (InputStream in = Files.newInputStream(real)) {
      return Arrays.equals(in.readNBytes(2), new byte[] {'#', '!'});
    }
  }

  /** Why {@link #placed} gave nothing, and what to do. */
  private static String hindrance(Path program, Reach reach) {
    try {
      List<Path> links = links(program);
      Path real = links.getLast();
      Optional<Path> closed = closed(links, reach);
      if (closed.isPresent()) {
        return closed.get()
            + " is closed to other users; open it (chmod o+rx "
            + closed.get()
            + ")";
      }
      return isScript(real)
          ? real
              + " is a script that starts something else, which a container would not have; name"
              + " the program that it starts"
          : real + " cannot be shown to it; name another";
    } catch (IOException e) {
      return "it cannot be read (" + e + "); correct its path";
    }
  }

  /**
   * The first folder or file on the way that other users may not use. In a container the way begins
   * at the installation, which is all that is shown of it.
   */
  private static Optional<Path> closed(List<Path> links, Reach reach) throws IOException {
    for (Path link : links) {
      Path from = reach == Reach.CONTAINER && !ofTheSystem(link) ? home(link) : link.getRoot();
      for (int n = from.getNameCount(); n <= link.getNameCount(); n++) {
        Path part = n == 0 ? link.getRoot() : link.getRoot().resolve(link.subpath(0, n));
        if (!Files.getPosixFilePermissions(part).contains(PosixFilePermission.OTHERS_EXECUTE)) {
          return Optional.of(part);
        }
      }
    }
    return Optional.empty();
  }

  /** Installations have the form {@code <home>/bin/<program>}. */
  private static Path home(Path program) {
    Path folder = program.resolveSibling("");
    @Nullable Path above = folder.getParent();
    return folder.endsWith("bin") && above != null && above.getNameCount() > 0 ? above : folder;
  }

  private static boolean ofTheSystem(Path path) {
    return BundleConfig.HOST_FOLDERS.stream().anyMatch(path::startsWith);
  }
}
