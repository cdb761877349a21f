package io.ryegrass.lambda;

import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.DurableFiles;
import io.ryegrass.lambda.FunctionConfiguration.Model;
import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where the machine-learning models of functions lie (MLI rows). The nucleus has unpacked each once
 * per content, as an artifact of its component. A model with an owner is copied once, so that group
 * and permission are the resource's (MLI-08) and stay so when the nucleus sets those of its
 * artifacts again.
 *
 * <p>Copies, and the links of functions without a container, lie in a folder of the core: in one of
 * the function's own the function could put a link of its own in their way, and the core would
 * write as root wherever that leads.
 */
final class Models {
  private static final Logger LOG = LoggerFactory.getLogger(Models.class);

  private final Path unarchived;
  private final Path owned;
  private final Path links;
  private final boolean root;
  private final ReentrantLock lock = new ReentrantLock();
  private boolean linked;

  /**
   * @param core root folder of the core
   * @param work folder of the Lambda manager, for copies and links
   */
  Models(Path core, Path work, boolean root) {
    this.unarchived = core.resolve("packages/artifacts-unarchived");
    this.owned = work.resolve("models");
    this.links = work.resolve("ml");
    this.root = root;
  }

  /**
   * The folder with the model's files.
   *
   * @throws NucleusException MODEL_NOT_FOUND
   */
  Path folder(FunctionConfiguration f, Model model) {
    String file = model.artifact();
    int dot = file.lastIndexOf('.');
    Path found =
        unarchived
            .resolve(model.component())
            .resolve(model.version())
            .resolve(dot > 0 ? file.substring(0, dot) : file);
    if (!Files.isDirectory(found)) {
      throw new NucleusException(
          "MODEL_NOT_FOUND",
          "The model "
              + model.resourceId()
              + " of "
              + f.arn()
              + " is not at "
              + found
              + "; its component "
              + model.component()
              + " "
              + model.version()
              + " must be deployed with the function.");
    }
    if (model.groupOwner().isEmpty() || !root) {
      return found;
    }
    return owned(model, found, UserIds.group(model.groupOwner()));
  }

  private Path owned(Model model, Path found, int gid) {
    Path target =
        owned
            .resolve(model.component())
            .resolve(model.version())
            .resolve(gid + (model.writable() ? "-rw" : "-ro"));
    lock.lock();
    try {
      if (!Files.isDirectory(target)) {
        copy(found, target, gid, model.writable());
        forgetOld();
      }
      return target;
    } catch (IOException | UncheckedIOException | DurableException e) {
      throw new NucleusException(
          "MODEL_NOT_WRITTEN",
          "The model "
              + model.resourceId()
              + " cannot be copied to "
              + target
              + " for the group "
              + gid
              + ": "
              + e,
          e);
    } finally {
      lock.unlock();
    }
  }

  private static void copy(Path from, Path to, int gid, boolean writable) throws IOException {
    Path part = to.resolveSibling("." + to.getFileName() + ".part");
    delete(part);
    Files.createDirectories(part.getParent());
    List<Path> all;
    try (Stream<Path> walk = Files.walk(from)) {
      all = walk.toList();
    }
    for (Path source : all) {
      Path copy = part.resolve(from.relativize(source).toString());
      Files.copy(source, copy, LinkOption.NOFOLLOW_LINKS);
      Files.setAttribute(copy, "unix:gid", gid, LinkOption.NOFOLLOW_LINKS);
      if (Files.isSymbolicLink(copy)) {
        continue;
      }
      boolean passable = Files.isDirectory(copy) || Files.isExecutable(source);
      String group = "r" + (writable ? "w" : "-") + (passable ? "x" : "-");
      Files.setPosixFilePermissions(
          copy, PosixFilePermissions.fromString("rw" + (passable ? "x" : "-") + group + "---"));
    }
    DurableFiles.syncTree(part);
    DurableFiles.move(part, to);
  }

  /** Copies of which the nucleus has removed the original. */
  private void forgetOld() throws IOException {
    try (DirectoryStream<Path> components = Files.newDirectoryStream(owned)) {
      for (Path component : components) {
        try (DirectoryStream<Path> versions = Files.newDirectoryStream(component)) {
          for (Path version : versions) {
            if (Files.notExists(unarchived.resolve(owned.relativize(version)))) {
              delete(version);
            }
          }
        }
      }
    }
  }

  /**
   * Without a container (MLI-14): links below a folder for this function, which becomes its {@code
   * AWS_GG_RESOURCE_PREFIX}. Workers that start at the same time find the same links.
   *
   * @param component name of the function's component
   * @return that folder
   */
  Path link(FunctionConfiguration f, String component) {
    Path prefix = links.resolve(component);
    lock.lock();
    try {
      if (!linked) {
        delete(links); // of an earlier run, perhaps of functions that are gone
        linked = true;
      }
      Files.createDirectories(prefix);
      Set<Path> wanted = new HashSet<>();
      for (Model model : f.models()) {
        Path link = prefix.resolve(model.destination().substring(1));
        Path target = folder(f, model);
        wanted.add(link);
        Files.createDirectories(link.getParent());
        if (!Files.isSymbolicLink(link) || !Files.readSymbolicLink(link).equals(target)) {
          Files.deleteIfExists(link);
          Files.createSymbolicLink(link, target);
        }
      }
      for (Path path : walked(prefix)) {
        if (Files.isSymbolicLink(path) && !wanted.contains(path)) {
          Files.delete(path);
        }
      }
      return prefix;
    } catch (IOException e) {
      throw new NucleusException(
          "MODEL_NOT_WRITTEN",
          "The models of " + f.arn() + " cannot be linked in " + prefix + ": " + e,
          e);
    } finally {
      lock.unlock();
    }
  }

  private static List<Path> walked(Path folder) throws IOException {
    List<Path> all = new ArrayList<>();
    try (Stream<Path> walk = Files.walk(folder)) {
      walk.forEach(all::add);
    }
    return all;
  }

  static void delete(Path folder) {
    if (Files.notExists(folder, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try {
      for (Path path : walked(folder).stream().sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    } catch (IOException | UncheckedIOException e) {
      LOG.warn("{} is not removed: {}", folder, e.toString());
    }
  }
}
