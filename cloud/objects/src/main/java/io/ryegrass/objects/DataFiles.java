package io.ryegrass.objects;

import io.ryegrass.durable.DurableFiles;
import io.ryegrass.store.CloudStore;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files with the bytes: {@code data/ab/abcd…} for versions of objects, {@code parts/ab/…} for
 * parts of uploads. Their names mean nothing and are never used twice; which of them count, the
 * index says.
 */
final class DataFiles implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DataFiles.class);
  private static final int QUERY = 200;

  private final Path data;
  private final Path parts;
  private final CloudStore index;

  /** Files that have their place and not yet their row. */
  private final Set<String> unnamed = ConcurrentHashMap.newKeySet();

  private volatile boolean closed;
  private volatile Thread sweeper = Thread.currentThread();

  DataFiles(Path folder, CloudStore index) {
    this.data = folder.resolve("data");
    this.parts = folder.resolve("parts");
    this.index = index;
    DurableFiles.createDirectories(data);
    DurableFiles.createDirectories(parts);
  }

  /** A file in its place. Without {@link #keep} it is removed at the end. */
  final class Placed implements AutoCloseable {
    private final Path file;
    private final String name;
    private boolean kept;

    Placed(Path file, String name) {
      this.file = file;
      this.name = name;
    }

    String name() {
      return name;
    }

    void keep() {
      kept = true;
    }

    @Override
    public void close() {
      unnamed.remove(name);
      if (!kept) {
        quietly(file);
      }
    }
  }

  Path of(String name) {
    return data.resolve(name.substring(0, 2)).resolve(name);
  }

  Path ofPart(String name) {
    return parts.resolve(name.substring(0, 2)).resolve(name);
  }

  /** Seals a staged body as a version of an object and gives it its place; it survives a crash. */
  Placed place(Path staged, String bucket, ObjectInfo info) {
    try {
      try (FileChannel channel = FileChannel.open(staged, StandardOpenOption.WRITE)) {
        ObjectFile.seal(channel, bucket, info);
        channel.force(true);
      }
      String name = name();
      return place(staged, of(name), name);
    } catch (IOException e) {
      throw S3Exception.io("storing s3://" + bucket + "/" + info.key(), e);
    }
  }

  Placed placePart(StagedObject staged) {
    try {
      DurableFiles.syncFile(staged.file());
      String name = name();
      return place(staged.file(), ofPart(name), name);
    } catch (IOException e) {
      throw S3Exception.io("storing a part", e);
    }
  }

  private Placed place(Path staged, Path target, String name) throws IOException {
    Path shelf = shelf(target);
    if (!Files.isDirectory(shelf)) {
      DurableFiles.createDirectories(shelf);
    }
    unnamed.add(name);
    Placed placed = new Placed(target, name);
    boolean moved = false;
    try {
      Files.move(staged, target, StandardCopyOption.ATOMIC_MOVE);
      DurableFiles.syncDirectory(shelf);
      moved = true;
      return placed;
    } finally {
      if (!moved) {
        placed.close();
      }
    }
  }

  private static String name() {
    return UUID.randomUUID().toString();
  }

  private static Path shelf(Path file) {
    Path parent = file.getParent();
    if (parent == null) {
      throw new IllegalArgumentException("file without a folder: " + file);
    }
    return parent;
  }

  /**
   * Removes files whose rows are gone. That need not be durable: a file that comes back is swept.
   */
  void delete(Collection<String> names) {
    names.forEach(name -> quietly(of(name)));
  }

  void deleteParts(Collection<String> names) {
    names.forEach(name -> quietly(ofPart(name)));
  }

  private static void quietly(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      LOG.warn("{} is of no use and cannot be deleted: {}", file, e.getMessage());
    }
  }

  // ---- after a crash

  /** Removes, beside the work, files that a crash left without a row. */
  void sweep() {
    sweeper =
        Thread.ofVirtual()
            .name("objects-sweep")
            .start(
                () -> {
                  try {
                    sweep(data, "SELECT file FROM object_versions WHERE file IN ");
                    sweep(parts, "SELECT file FROM upload_parts WHERE file IN ");
                  } catch (IOException | RuntimeException e) {
                    if (!closed) {
                      LOG.warn("looking for files of no use failed: {}", e.getMessage());
                    }
                  }
                });
  }

  private void sweep(Path top, String select) throws IOException {
    for (Path shelf : list(top)) {
      List<Path> files = list(shelf);
      for (int i = 0; i < files.size() && !closed; i += QUERY) {
        sweep(files.subList(i, Math.min(files.size(), i + QUERY)), select);
      }
    }
  }

  /** A name is looked for in the order of its life: first on its way, then in the index. */
  private void sweep(List<Path> files, String select) {
    List<Path> strangers =
        files.stream().filter(f -> !unnamed.contains(f.getFileName().toString())).toList();
    if (strangers.isEmpty()) {
      return;
    }
    Object[] names = strangers.stream().map(f -> (Object) f.getFileName().toString()).toArray();
    String marks = "(" + "?, ".repeat(names.length - 1) + "?)";
    Set<String> known =
        new HashSet<>(index.read(sql -> sql.list(select + marks, row -> row.text("file"), names)));
    for (Path file : strangers) {
      if (!known.contains(file.getFileName().toString())) {
        LOG.info("removing {}, which an interrupted request left", file);
        quietly(file);
      }
    }
  }

  private static List<Path> list(Path folder) throws IOException {
    try (Stream<Path> found = Files.list(folder)) {
      return found.toList();
    }
  }

  /**
   * Takes over what stands in files only: a folder of the first form ({@code buckets/NAME/ab/…}),
   * and, when the index was lost, all of {@code data}. Repeating it after a crash does no harm.
   */
  void takeOver(Path folder, boolean indexed) {
    try {
      if (!indexed) {
        adopt(folder, data, false);
      }
      Path first = folder.resolve("buckets");
      if (Files.isDirectory(first)) {
        for (Path bucket : list(first)) {
          Instant created = Files.getLastModifiedTime(bucket).toInstant();
          String name = bucket.getFileName().toString();
          index.write(
              sql ->
                  ObjectTables.insert(sql, new Bucket(name, created, "", Bucket.Versioning.NEVER)));
          adopt(folder, bucket, true);
        }
        DurableFiles.deleteTree(first);
        DurableFiles.deleteTree(folder.resolve("uploads"));
      }
    } catch (IOException e) {
      throw S3Exception.io("taking over the objects in " + folder, e);
    }
  }

  private record Found(Path file, Instant modified) {}

  private void adopt(Path folder, Path top, boolean move) throws IOException {
    List<Found> found = new ArrayList<>();
    try (Stream<Path> walk = Files.walk(top)) {
      for (Path file : (Iterable<Path>) walk.filter(Files::isRegularFile)::iterator) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
          found.add(new Found(file, ObjectFile.read(channel).info().lastModified()));
        } catch (IOException e) {
          LOG.error("{} is no object and stays aside: {}", file, e.getMessage());
          Files.move(file, folder.resolve("damaged-" + file.getFileName()));
        }
      }
    }
    found.sort(Comparator.comparing(Found::modified));
    for (Found one : found) {
      adopt(one.file(), top.getFileName().toString(), move);
    }
    if (!found.isEmpty()) {
      LOG.warn("{} objects of {} were taken into the index", found.size(), top);
    }
  }

  /** Rows come first: a file without one would be swept. */
  private void adopt(Path file, String folderName, boolean move) throws IOException {
    ObjectFile.Sealed sealed;
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      sealed = ObjectFile.read(channel);
    }
    String bucket = sealed.bucket().isEmpty() ? folderName : sealed.bucket();
    String name = move ? name() : file.getFileName().toString();
    ObjectInfo info = sealed.info();
    index.write(
        sql -> {
          boolean made =
              ObjectTables.insert(
                  sql, new Bucket(bucket, info.lastModified(), "", Bucket.Versioning.NEVER));
          ObjectTables.version(sql, bucket, info.key(), ObjectInfo.NULL_VERSION)
              .ifPresent(old -> ObjectTables.remove(sql, bucket, old));
          ObjectTables.add(sql, bucket, info.withVersion(ObjectInfo.NULL_VERSION), name);
          return made;
        });
    if (move) {
      DurableFiles.createDirectories(shelf(of(name)));
      DurableFiles.move(file, of(name));
    }
  }

  @Override
  public void close() {
    closed = true;
    Thread thread = sweeper;
    if (thread != Thread.currentThread()) {
      try {
        thread.join(java.time.Duration.ofSeconds(10));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
