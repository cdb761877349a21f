package io.ryegrass.durable.crash;

import io.ryegrass.durable.DiskWatch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Records every step that this module does to the files below one folder, and then lays out, for a
 * power cut after each of these steps, what the disk may hold.
 *
 * <p>The rules are those of POSIX and no better (SQLite's and LazyFS's): bytes of a file are on the
 * disk when an fsync of that file came after them; names (creation, rename, deletion) are when an
 * fsync of their folder came after them. What was not synced may be there, may be missing, may be
 * torn, may be zeros, and may be there while something earlier is not. For each cut four images are
 * made:
 *
 * <ul>
 *   <li>{@code killed}: everything is there (only the process ended),
 *   <li>{@code synced}: only what was synced is there,
 *   <li>{@code torn}: bytes not synced are torn or zeros, names not synced are there (what a file
 *       system does that journals names only),
 *   <li>{@code mixed}: each thing not synced is there or not, by chance.
 * </ul>
 *
 * <p>Files that others wrote (a download) are seen when they are synced or moved; what is moved
 * without having been synced counts as not synced. Files that nobody syncs or moves are not seen.
 */
public final class CrashDisk implements DiskWatch.Watcher, AutoCloseable {
  private enum Kind {
    WRITE,
    TRUNCATE,
    NAME,
    UNNAME,
    MOVE,
    FOLDER
  }

  /** The bytes behind a name; lives on when the name changes. */
  private static final class Inode {
    private final List<Step> steps = new ArrayList<>();
  }

  /** One step; {@code durableAt} is the number of the step that made it durable. */
  private static final class Step {
    private final Kind kind;
    private final Path path;
    private final @Nullable Path from;
    private final @Nullable Inode inode;
    private final long position;
    private final byte[] bytes;
    private int durableAt = Integer.MAX_VALUE;

    Step(Kind kind, Path path, @Nullable Inode inode, long position, byte[] bytes) {
      this(kind, path, null, inode, position, bytes);
    }

    Step(
        Kind kind,
        Path path,
        @Nullable Path from,
        @Nullable Inode inode,
        long position,
        byte[] bytes) {
      this.kind = kind;
      this.path = path;
      this.from = from;
      this.inode = inode;
      this.position = position;
      this.bytes = bytes;
    }
  }

  /** What is asked of an image. */
  @FunctionalInterface
  public interface Check {
    /**
     * @param image folder with the files as a power cut may leave them; the check may write there
     * @param cut number of steps that had been done
     * @param variant how what was not synced was treated
     */
    void check(Path image, int cut, String variant) throws Exception;
  }

  private static final byte[] NONE = {};

  private final Path root;
  private final AutoCloseable watching;
  private final ReentrantLock lock = new ReentrantLock();
  private final List<Step> steps = new ArrayList<>();
  private final List<Integer> cuts = new ArrayList<>();
  private final Map<Path, Inode> names = new HashMap<>();
  private final Set<Path> folders = new HashSet<>();
  private int now;

  private CrashDisk(Path root) {
    this.root = root.toAbsolutePath();
    folders.add(this.root);
    if (Files.isDirectory(this.root)) {
      seen(this.root, this.root);
      steps.forEach(s -> s.durableAt = 0);
    }
    this.watching = DiskWatch.begin(this);
  }

  /** Records from now on; what is in the folder already counts as safe on the disk. */
  public static CrashDisk record(Path root) {
    return new CrashDisk(root);
  }

  /**
   * How many steps were done so far: what was acknowledged at this moment must be there after each
   * cut from here on.
   */
  public int now() {
    lock.lock();
    try {
      return now;
    } finally {
      lock.unlock();
    }
  }

  // ---- recording

  private void add(Step s) {
    steps.add(s);
    if (s.inode != null && (s.kind == Kind.WRITE || s.kind == Kind.TRUNCATE)) {
      s.inode.steps.add(s);
    }
  }

  private boolean ours(Path p) {
    return p.startsWith(root);
  }

  /** Takes in what others wrote below {@code top}, which had the name {@code before} then. */
  private void seen(Path top, Path before) {
    try (Stream<Path> walk = Files.walk(top)) {
      for (Path real : walk.sorted().toList()) {
        Path p = before.resolve(top.relativize(real).toString());
        if (Files.isDirectory(real)) {
          if (folders.add(p)) {
            add(new Step(Kind.FOLDER, p, null, 0, NONE));
          }
        } else if (Files.isRegularFile(real) && !names.containsKey(p)) {
          Inode inode = new Inode();
          names.put(p, inode);
          add(new Step(Kind.NAME, p, inode, 0, NONE));
          add(new Step(Kind.WRITE, p, inode, 0, Files.readAllBytes(real)));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void step(Path path, Runnable recorded) {
    if (!ours(path)) {
      return;
    }
    lock.lock();
    try {
      recorded.run();
      now++;
      cuts.add(steps.size());
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void made(Path file) {
    step(
        file,
        () -> {
          Inode old = names.get(file);
          if (old != null) {
            add(new Step(Kind.TRUNCATE, file, old, 0, NONE));
            return;
          }
          Inode inode = new Inode();
          names.put(file, inode);
          add(new Step(Kind.NAME, file, inode, 0, NONE));
        });
  }

  @Override
  public void wrote(Path file, long position, byte[] bytes) {
    step(file, () -> add(new Step(Kind.WRITE, file, inode(file), position, bytes.clone())));
  }

  @Override
  public void truncated(Path file, long length) {
    step(file, () -> add(new Step(Kind.TRUNCATE, file, inode(file), length, NONE)));
  }

  private Inode inode(Path file) {
    return names.computeIfAbsent(
        file,
        f -> {
          Inode i = new Inode();
          add(new Step(Kind.NAME, f, i, 0, NONE));
          return i;
        });
  }

  @Override
  public void synced(Path file) {
    step(
        file,
        () -> {
          if (!names.containsKey(file) && Files.exists(file)) {
            seen(file, file);
          }
          Inode inode = names.get(file);
          if (inode != null) {
            inode.steps.forEach(s -> s.durableAt = Math.min(s.durableAt, now + 1));
          }
        });
  }

  @Override
  public void madeFolder(Path folder) {
    step(
        folder,
        () -> {
          folders.add(folder);
          add(new Step(Kind.FOLDER, folder, null, 0, NONE));
        });
  }

  @Override
  public void folderSynced(Path folder) {
    step(
        folder,
        () -> {
          foldersIn(folder);
          for (Step s : steps) {
            boolean name = s.kind != Kind.WRITE && s.kind != Kind.TRUNCATE;
            if (name && folder.equals(s.path.getParent())) {
              s.durableAt = Math.min(s.durableAt, now + 1);
            }
          }
        });
  }

  /** Folders that others made are on the disk with the folder that they are in. */
  private void foldersIn(Path folder) {
    try (Stream<Path> children = Files.exists(folder) ? Files.list(folder) : Stream.empty()) {
      for (Path p : children.filter(Files::isDirectory).sorted().toList()) {
        if (folders.add(p)) {
          add(new Step(Kind.FOLDER, p, null, 0, NONE));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void moved(Path from, Path to) {
    step(
        to,
        () -> {
          seen(to, from);
          Inode inode = names.get(from);
          for (Path p : List.copyOf(names.keySet())) {
            Inode i = p.startsWith(from) ? names.remove(p) : null;
            if (i != null) {
              names.put(renamed(p, from, to), i);
            }
          }
          for (Path p : List.copyOf(folders)) {
            if (p.startsWith(from)) {
              folders.remove(p);
              folders.add(renamed(p, from, to));
            }
          }
          add(new Step(Kind.MOVE, to, from, inode, 0, NONE));
        });
  }

  private static Path renamed(Path p, Path from, Path to) {
    return p.equals(from) ? to : to.resolve(from.relativize(p));
  }

  @Override
  public void deleted(Path file) {
    step(
        file,
        () -> {
          names.remove(file);
          folders.remove(file);
          add(new Step(Kind.UNNAME, file, null, 0, NONE));
        });
  }

  /** Ends the recording; the images can be made then. */
  @Override
  public void close() {
    try {
      watching.close();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  // ---- images

  private static final String[] VARIANTS = {"killed", "synced", "torn", "mixed"};

  /**
   * Makes the images of all cuts, one after the other in the same folder, and has each one checked
   * that differs from the ones before.
   *
   * @param scratch a folder that is emptied and filled
   * @param seed of what is left to chance
   * @return how many different images there were
   */
  public int forEachCrash(Path scratch, long seed, Check check) throws Exception {
    return forEachCrash(scratch, seed, 1, check);
  }

  /**
   * As above, for one of so many cuts, chosen by the seed, and for the last one.
   *
   * @param oneOf 1 for all cuts
   */
  public int forEachCrash(Path scratch, long seed, int oneOf, Check check) throws Exception {
    Set<Integer> known = new HashSet<>();
    Random random = new Random(seed);
    for (int cut = 0; cut <= now; cut++) {
      if (cut != now && random.nextInt(oneOf) != 0) {
        continue;
      }
      for (String variant : VARIANTS) {
        Image image = image(cut, variant, random);
        // the same image may be asked of another cut, when more has been acknowledged
        if (known.add(31 * image.hashCode() + acknowledgement(cut))) {
          image.writeTo(scratch, root);
          try {
            check.check(scratch, cut, variant);
          } catch (Exception | AssertionError e) {
            throw new AssertionError(
                "After a power cut at step " + cut + " (" + variant + "), seed " + seed + ": " + e,
                e);
          }
        }
      }
    }
    return known.size();
  }

  /** Cuts between which nothing became durable have the same promises. */
  private int acknowledgement(int cut) {
    int durable = 0;
    for (Step s : steps) {
      if (s.durableAt <= cut) {
        durable++;
      }
    }
    return durable;
  }

  private record Image(Map<Path, byte[]> files, Set<Path> folders) {
    @Override
    public int hashCode() {
      int hash = folders.hashCode();
      for (Map.Entry<Path, byte[]> e : files.entrySet()) {
        hash = 31 * hash + 17 * e.getKey().hashCode() + java.util.Arrays.hashCode(e.getValue());
      }
      return hash;
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return this == other;
    }

    void writeTo(Path scratch, Path root) throws IOException {
      if (Files.exists(scratch)) {
        try (Stream<Path> walk = Files.walk(scratch)) {
          for (Path p : walk.sorted(java.util.Comparator.reverseOrder()).toList()) {
            Files.delete(p);
          }
        }
      }
      Files.createDirectories(scratch);
      for (Path folder : folders.stream().sorted().toList()) {
        Files.createDirectories(scratch.resolve(root.relativize(folder).toString()));
      }
      for (Map.Entry<Path, byte[]> e : files.entrySet()) {
        Path file = scratch.resolve(root.relativize(e.getKey()).toString());
        if (Files.isDirectory(java.util.Objects.requireNonNull(file.getParent()))) {
          Files.write(file, e.getValue());
        }
      }
    }
  }

  private Image image(int cut, String variant, Random random) {
    int end = cut == 0 ? initial() : cuts.get(cut - 1);
    Map<Path, Inode> tree = new TreeMap<>();
    Set<Path> made = new HashSet<>();
    Map<Inode, byte[]> contents = new HashMap<>();
    for (Step s : steps.subList(0, end)) {
      boolean durable = s.durableAt <= cut;
      boolean whole =
          durable
              || switch (variant) {
                case "killed" -> true;
                case "synced" -> false;
                case "torn" -> s.kind != Kind.WRITE && s.kind != Kind.TRUNCATE;
                default -> random.nextBoolean();
              };
      switch (s.kind) {
        case NAME -> {
          if (whole && s.inode != null) {
            tree.put(s.path, s.inode);
          }
        }
        case UNNAME -> {
          if (whole) {
            tree.keySet().removeIf(p -> p.startsWith(s.path));
            made.removeIf(p -> p.startsWith(s.path));
          }
        }
        case MOVE -> {
          if (whole) {
            move(s, tree, made);
          }
        }
        case FOLDER -> {
          if (whole) {
            made.add(s.path);
          }
        }
        case WRITE, TRUNCATE -> {
          boolean torn = !whole && !variant.equals("synced");
          apply(contents, s, whole, torn, random);
        }
      }
    }
    Map<Path, byte[]> files = new TreeMap<>();
    tree.forEach((p, inode) -> files.put(p, contents.getOrDefault(inode, NONE)));
    return new Image(files, made);
  }

  /** A rename happens as a whole or not at all. */
  private static void move(Step s, Map<Path, Inode> tree, Set<Path> made) {
    Path from = java.util.Objects.requireNonNull(s.from);
    for (Path p : List.copyOf(tree.keySet())) {
      Inode i = p.startsWith(from) ? tree.remove(p) : null;
      if (i != null) {
        tree.put(renamed(p, from, s.path), i);
      }
    }
    for (Path p : List.copyOf(made)) {
      if (p.startsWith(from)) {
        made.remove(p);
        made.add(renamed(p, from, s.path));
      }
    }
    if (s.inode != null) {
      tree.put(s.path, s.inode);
    }
  }

  private int initial() {
    int n = 0;
    while (n < steps.size() && steps.get(n).durableAt == 0) {
      n++;
    }
    return n;
  }

  private static void apply(
      Map<Inode, byte[]> contents, Step s, boolean whole, boolean torn, Random random) {
    if (s.inode == null || !whole && !torn) {
      return;
    }
    byte[] old = contents.getOrDefault(s.inode, NONE);
    if (s.kind == Kind.TRUNCATE) {
      if (whole) {
        contents.put(s.inode, java.util.Arrays.copyOf(old, Math.toIntExact(s.position)));
      }
      return;
    }
    int at = Math.toIntExact(s.position);
    int length = s.bytes.length;
    byte[] next =
        java.util.Arrays.copyOf(
            old, Math.max(old.length, at + (whole ? length : random.nextInt(length + 1))));
    int written = whole ? length : Math.max(0, Math.min(length, next.length - at));
    if (whole || random.nextBoolean()) {
      System.arraycopy(s.bytes, 0, next, at, written);
    } // else the file was made longer and its bytes never arrived: zeros
    contents.put(s.inode, next);
  }
}
