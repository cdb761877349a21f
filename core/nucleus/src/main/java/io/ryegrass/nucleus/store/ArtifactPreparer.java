package io.ryegrass.nucleus.store;

import io.ryegrass.durable.DurableFiles;
import io.ryegrass.model.Recipe;
import io.ryegrass.nucleus.ArtifactSource;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.host.PosixUsers.PosixUser;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings the artifacts of one component version to the device (v2-deployments.md section 9):
 * download with retries, digest, unpacking, permissions. What is already there with the right
 * digest is not fetched again.
 */
public final class ArtifactPreparer {
  private static final Logger LOG = LoggerFactory.getLogger(ArtifactPreparer.class);
  private static final int DIGEST_ATTEMPTS = 3;
  private static final long RESERVE_BYTES = 20L << 20;

  /** Of all components together (LESSON-40). */
  private static final int DOWNLOADS_AT_ONCE = 4;

  private final ComponentStore store;
  private final ArtifactSource source;
  private final Backoff backoff;
  private final Semaphore turns = new Semaphore(DOWNLOADS_AT_ONCE);

  public ArtifactPreparer(ComponentStore store, ArtifactSource source, Backoff backoff) {
    this.store = store;
    this.source = source;
    this.backoff = backoff;
  }

  /**
   * Returns when all artifacts are ready; waits for the network as long as the thread is not
   * interrupted.
   *
   * @param owner user the component runs as, or null for the nucleus' own
   * @return digest by file name, empty text for artifacts without one
   */
  public Map<String, String> prepare(
      Recipe recipe, Recipe.Manifest manifest, String arn, @Nullable PosixUser owner)
      throws InterruptedException {
    String name = recipe.componentName();
    String version = recipe.componentVersion().text();
    Path folder = store.artifacts(name, version);
    Path unpacked = store.unarchived(name, version);
    DurableFiles.createDirectories(folder);
    DurableFiles.createDirectories(unpacked);
    Map<String, String> digests = new LinkedHashMap<>();
    List<Recipe.Artifact> files = new ArrayList<>();
    for (Recipe.Artifact artifact : manifest.artifacts()) {
      checkScheme(name, artifact);
      if (artifact.scheme().equals("docker")) {
        continue;
      }
      String fileName = artifact.fileName();
      if (isNoName(fileName) || isNoName(stem(fileName))) {
        throw new NucleusException(
            "ARTIFACT_URI_NOT_VALID",
            "Artifact "
                + artifact.uri()
                + " of "
                + name
                + " has no file name; correct the recipe.");
      }
      if (digests.containsKey(fileName)) {
        throw new NucleusException(
            "ARTIFACT_URI_NOT_VALID",
            "Two artifacts of " + name + " have the file name " + fileName + "; rename one.");
      }
      digests.put(fileName, artifact.digest() == null ? "" : artifact.digest());
      files.add(artifact);
    }
    Set<Recipe.Artifact> anew = ConcurrentHashMap.newKeySet();
    List<Callable<Void>> work = new ArrayList<>();
    for (Recipe.Artifact artifact : manifest.artifacts()) {
      work.add(
          () -> {
            if (artifact.scheme().equals("docker")) {
              pull(artifact);
            } else if (fetch(name, arn, artifact, folder.resolve(artifact.fileName()), unpacked)) {
              anew.add(artifact);
            }
            return null;
          });
    }
    allOf(work);
    for (Recipe.Artifact artifact : files) {
      if (artifact.unarchive() != Recipe.Unarchive.NONE) {
        String fileName = artifact.fileName();
        unpack(store.seen(folder.resolve(fileName)), unpacked, fileName, anew.contains(artifact));
      }
    }
    applyPermissions(recipe, manifest, owner, store::seen);
    return digests;
  }

  /** Does all of it, a few at once; the first failure ends the others. */
  private void allOf(List<Callable<Void>> work) throws InterruptedException {
    try (ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
      CompletionService<Void> done = new ExecutorCompletionService<>(pool);
      work.forEach(
          w ->
              done.submit(
                  () -> {
                    turns.acquire();
                    try {
                      return w.call();
                    } finally {
                      turns.release();
                    }
                  }));
      try {
        for (int i = 0; i < work.size(); i++) {
          done.take().get();
        }
      } catch (ExecutionException e) {
        pool.shutdownNow();
        if (e.getCause() instanceof RuntimeException r) {
          throw r;
        }
        throw new NucleusException(
            "ARTIFACT_DOWNLOAD_ERROR", "An artifact could not be fetched: " + e.getCause(), e);
      } catch (InterruptedException e) {
        pool.shutdownNow();
        throw e;
      }
    }
  }

  private void pull(Recipe.Artifact artifact) throws InterruptedException {
    for (int attempt = 0; ; attempt++) {
      try {
        source.pullImage(artifact);
        return;
      } catch (CloudUnavailableException e) {
        LOG.info("Image {} is not to be had now, trying again: {}", artifact.uri(), e.getMessage());
        backoff.pause(attempt);
      }
    }
  }

  /** What would lead out of the folder, or name the folder itself. */
  private static boolean isNoName(String name) {
    return name.isEmpty() || name.equals(".") || name.equals("..") || name.indexOf('\0') >= 0;
  }

  /** The folder that an archive is unpacked to: its name without the last extension. */
  static String stem(String fileName) {
    int dot = fileName.lastIndexOf('.');
    return dot > 0 ? fileName.substring(0, dot) : fileName;
  }

  private static void checkScheme(String component, Recipe.Artifact artifact) {
    switch (artifact.scheme()) {
      case "greengrass", "s3", "https", "docker" -> {}
      case "" ->
          throw new NucleusException(
              "EMPTY_ARTIFACT_SCHEME",
              "Artifact \""
                  + artifact.uri()
                  + "\" of "
                  + component
                  + " has no scheme; use s3:, greengrass:, https: or docker:.");
      default ->
          throw new NucleusException(
              "UNSUPPORTED_ARTIFACT_SCHEME",
              "Artifact "
                  + artifact.uri()
                  + " of "
                  + component
                  + " has an unknown scheme; use s3:, greengrass:, https: or docker:.");
    }
  }

  /** Returns whether the file was fetched anew. */
  private boolean fetch(
      String component, String arn, Recipe.Artifact artifact, Path file, Path unpacked)
      throws InterruptedException {
    String digest = artifact.digest();
    boolean digested = digest != null && !digest.isEmpty();
    Path present = store.seen(file);
    if (!digested) {
      if (Files.isRegularFile(present)) {
        return false;
      }
    }
    // of a server of the author's choice it is the certificate that vouches for a file
    if (!digested && !artifact.scheme().equals("https")) {
      throw new NucleusException(
          "RECIPE_MISSING_ARTIFACT_HASH_ALGORITHM",
          "Artifact "
              + artifact.uri()
              + " of "
              + component
              + " has no digest and is not on this device; create the component version in the cloud, which adds it.");
    }
    if (digested && Files.isRegularFile(present) && digestOf(present, artifact).equals(digest)) {
      return false;
    }
    Path folder = java.util.Objects.requireNonNull(file.getParent());
    checkSpace(folder, 0);
    Path part = file.resolveSibling("." + file.getFileName() + ".part");
    int mismatches = 0;
    for (int attempt = 0; ; attempt++) {
      try {
        source.download(arn, artifact, part);
      } catch (CloudUnavailableException e) {
        LOG.info(
            "Artifact {} is not to be had now, trying again: {}", artifact.uri(), e.getMessage());
        checkSpace(folder, 0); // a full disk is not waited for
        backoff.pause(attempt);
        continue;
      }
      if (!digested || digestOf(part, artifact).equals(digest)) {
        break;
      }
      DurableFiles.delete(part);
      if (++mismatches >= DIGEST_ATTEMPTS) {
        throw new NucleusException(
            "ARTIFACT_CHECKSUM_MISMATCH",
            "Artifact "
                + artifact.uri()
                + " of "
                + component
                + " does not have the digest of its recipe ("
                + DIGEST_ATTEMPTS
                + " downloads); upload the right file or create the component version again.");
      }
      backoff.pause(mismatches);
    }
    DurableFiles.syncFile(part);
    if (artifact.unarchive() != Recipe.Unarchive.NONE) {
      // what was unpacked of the file before is not taken for this one's after a kill
      Path mark = outdated(unpacked, stem(artifact.fileName()));
      if (Files.isDirectory(unpacked.resolve(stem(artifact.fileName())))) {
        DurableFiles.writeAtomically(mark, new byte[0]);
      }
    }
    store.place(part, file);
    return true;
  }

  /**
   * Bytes that the artifacts of a version will take which are not on this device yet; what is not
   * known counts as nothing.
   */
  public long missingBytes(Recipe recipe, Recipe.Manifest manifest, String arn) {
    long sum = 0;
    for (Recipe.Artifact artifact : manifest.artifacts()) {
      Path file =
          store.seen(
              store
                  .artifacts(recipe.componentName(), recipe.componentVersion().text())
                  .resolve(artifact.fileName()));
      if (!Files.isRegularFile(file) && !artifact.scheme().equals("docker")) {
        long size = Math.max(0, source.size(arn, artifact));
        // an archive lies there packed and unpacked
        sum += artifact.unarchive() == Recipe.Unarchive.NONE ? size : 2 * size;
      }
    }
    return sum;
  }

  /**
   * Looks for room (TRB-31).
   *
   * @param folder somewhere in the store
   * @throws NucleusException DISK_SPACE_CRITICAL
   */
  public static void checkSpace(Path folder, long needed) {
    long free;
    try {
      free = Files.getFileStore(folder).getUsableSpace();
    } catch (IOException e) {
      LOG.debug("Free space is unknown: {}", e.getMessage());
      return;
    }
    if (free < RESERVE_BYTES + needed) {
      throw new NucleusException(
          "DISK_SPACE_CRITICAL",
          "The artifacts need "
              + mebibytes(needed)
              + " MiB and 20 MiB must stay free, but only "
              + (free >> 20)
              + " MiB are free where "
              + folder
              + " is; free some space.");
    }
  }

  static long mebibytes(long bytes) {
    return (bytes + (1 << 20) - 1) >> 20;
  }

  private static String digestOf(Path file, Recipe.Artifact artifact) {
    String algorithm = artifact.algorithm() == null ? "SHA-256" : artifact.algorithm();
    try (InputStream in = Files.newInputStream(file)) {
      MessageDigest digest = MessageDigest.getInstance(algorithm);
      byte[] buffer = new byte[64 << 10];
      int n;
      while ((n = in.read(buffer)) > 0) {
        digest.update(buffer, 0, n);
      }
      return Base64.getEncoder().encodeToString(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new NucleusException(
          "HASHING_ALGORITHM_UNAVAILABLE",
          "Digest algorithm " + algorithm + " is unknown; use SHA-256.",
          e);
    } catch (IOException e) {
      throw new NucleusException("IO_READ_ERROR", "Cannot read " + file + ".", e);
    }
  }

  private void unpack(Path archive, Path unpacked, String fileName, boolean anew) {
    String stem = stem(fileName);
    Path target = unpacked.resolve(stem);
    Path mark = outdated(unpacked, stem);
    if (Files.isDirectory(store.seen(target)) && !anew && Files.notExists(mark)) {
      return;
    }
    Path aside = unpacked.resolve("." + stem + ".part");
    ComponentStore.deleteTree(aside);
    DurableFiles.createDirectories(aside);
    try {
      Archives.unpack(archive, aside, room(aside));
      DurableFiles.syncTree(aside);
      store.place(aside, target);
      DurableFiles.delete(mark);
    } finally {
      ComponentStore.deleteTree(aside);
    }
  }

  /** Stands beside what was unpacked of an archive that has another content now. */
  private static Path outdated(Path unpacked, String stem) {
    return unpacked.resolve("." + stem + ".outdated");
  }

  /** Bytes that may be written here, so that some stay free (TRB-31). */
  private static long room(Path folder) {
    try {
      return Files.getFileStore(folder).getUsableSpace() - RESERVE_BYTES;
    } catch (IOException e) {
      LOG.debug("Free space is unknown: {}", e.getMessage());
      return Long.MAX_VALUE;
    }
  }

  /**
   * Sets owner and permissions of all files of a component version that runs (section 1: no write
   * permission is ever given).
   */
  public void applyPermissions(Recipe recipe, Recipe.Manifest manifest, @Nullable PosixUser owner) {
    applyPermissions(recipe, manifest, owner, file -> file);
  }

  private void applyPermissions(
      Recipe recipe,
      Recipe.Manifest manifest,
      @Nullable PosixUser owner,
      UnaryOperator<Path> where) {
    String name = recipe.componentName();
    String version = recipe.componentVersion().text();
    for (Recipe.Artifact artifact : manifest.artifacts()) {
      if (artifact.scheme().equals("docker")) {
        continue;
      }
      String fileName = artifact.fileName();
      Set<PosixFilePermission> mode = mode(artifact.permission());
      Path file = where.apply(store.artifacts(name, version).resolve(fileName));
      Path tree = where.apply(store.unarchived(name, version).resolve(stem(fileName)));
      try {
        if (artifact.unarchive() != Recipe.Unarchive.NONE && Files.isDirectory(tree)) {
          try (Stream<Path> walk = Files.walk(tree)) {
            for (Path p : walk.toList()) {
              set(
                  p,
                  Files.isDirectory(p, LinkOption.NOFOLLOW_LINKS)
                      ? PosixFilePermissions.fromString("rwxr-xr-x")
                      : mode,
                  owner);
            }
          }
        }
        if (Files.isRegularFile(file)) {
          set(file, mode, owner);
        }
      } catch (IOException e) {
        throw new NucleusException(
            "SET_PERMISSION_ERROR",
            "Cannot set the permissions of " + file + " (" + e.getMessage() + ").",
            e);
      }
    }
  }

  private static void set(Path path, Set<PosixFilePermission> mode, @Nullable PosixUser owner)
      throws IOException {
    if (owner != null && !Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
      Files.setAttribute(path, "unix:uid", owner.uid(), LinkOption.NOFOLLOW_LINKS);
      Files.setAttribute(path, "unix:gid", owner.gid(), LinkOption.NOFOLLOW_LINKS);
    }
    Files.setPosixFilePermissions(path, mode);
  }

  private static Set<PosixFilePermission> mode(Recipe.Permission permission) {
    Set<PosixFilePermission> mode = new HashSet<>();
    mode.add(PosixFilePermission.OWNER_READ);
    if (permission.read() == Recipe.Access.ALL || permission.execute() == Recipe.Access.ALL) {
      mode.add(PosixFilePermission.GROUP_READ);
      mode.add(PosixFilePermission.OTHERS_READ);
    }
    if (permission.execute() != Recipe.Access.NONE) {
      mode.add(PosixFilePermission.OWNER_EXECUTE);
    }
    if (permission.execute() == Recipe.Access.ALL) {
      mode.add(PosixFilePermission.GROUP_EXECUTE);
      mode.add(PosixFilePermission.OTHERS_EXECUTE);
    }
    return mode;
  }
}
