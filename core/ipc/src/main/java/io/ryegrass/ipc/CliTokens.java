package io.ryegrass.ipc;

import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.DurableFiles;
import io.ryegrass.model.Json;
import io.ryegrass.nucleus.Components;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.Subscription;
import io.ryegrass.nucleus.host.PosixUsers;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who may use the command line is who may read a file: {@code <root>/cli_ipc_info/user-<uid>} (mode
 * 0600) for the user of this process, {@code group-<gid>} (owner rw, group r) for each group in
 * {@code AuthorizedPosixGroups} of component {@code aws.greengrass.Cli} (v2-ipc.md §7.5, CLI-05,
 * CLI-06). Tokens are new at each start and end with it; those of groups follow the configuration.
 */
final class CliTokens implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(CliTokens.class);
  private static final String COMPONENT = Authorisation.CLI;
  private static final String GROUPS = "AuthorizedPosixGroups";

  private final IpcServer.Core core;
  private final Path folder;
  private final Path socket;
  private final ReentrantLock lock = new ReentrantLock();
  private final List<Components.Token> groupTokens = new ArrayList<>();
  private final List<Subscription> watches = new ArrayList<>();
  private final List<Components.Token> userTokens = new ArrayList<>();
  private Set<String> groups = Set.of();
  private boolean closed;

  private CliTokens(IpcServer.Core core, Path socket) {
    this.core = core;
    this.socket = socket;
    this.folder = folder(core.config().root());
  }

  static Path folder(Path root) {
    return root.resolve("cli_ipc_info");
  }

  /**
   * Revokes what an earlier start left, and issues tokens anew. A folder that cannot be written
   * leaves the command line without access, not the core without a start.
   */
  static CliTokens issue(IpcServer.Core core, Path socket) {
    CliTokens tokens = new CliTokens(core, socket);
    try {
      DurableFiles.createDirectories(tokens.folder);
      Files.setPosixFilePermissions(tokens.folder, PosixFilePermissions.fromString("rwxr-xr-x"));
      tokens.removeFiles("");
      int uid = PosixUsers.ownUid();
      tokens.userTokens.add(tokens.write("user-" + uid, null));
      tokens.followGroups();
      tokens.watches.add(
          core.components()
              .onConfigurationChange(COMPONENT, List.of(), (name, path) -> tokens.later()));
      tokens.watches.add(
          core.components()
              .onStateChange(
                  status -> {
                    if (status.name().equals(COMPONENT)) {
                      tokens.later();
                    }
                  }));
    } catch (IOException | DurableException e) {
      log.warn("the command line has no access: {} cannot be written: {}", tokens.folder, e);
    }
    return tokens;
  }

  /** Listeners must not wait for the disk. */
  private void later() {
    Thread.ofVirtual().name("cli-tokens").start(this::followGroups);
  }

  private void followGroups() {
    lock.lock();
    try {
      Set<String> wanted = configured();
      if (closed || wanted.equals(groups)) {
        return;
      }
      groupTokens.forEach(Components.Token::close);
      groupTokens.clear();
      removeFiles("group-");
      PosixUsers users = PosixUsers.ofHost();
      for (String group : wanted) {
        try {
          int gid = users.resolve("0:" + group).gid();
          groupTokens.add(write("group-" + gid, gid));
        } catch (NucleusException e) {
          log.warn(
              "{} of {} names group {}, which this host does not have", GROUPS, COMPONENT, group);
        } catch (IOException e) {
          log.warn(
              "group {} of {} gets no access: this process may not give it a file ({})",
              group,
              GROUPS,
              e.getMessage());
        }
      }
      groups = wanted;
    } catch (IOException | DurableException e) {
      log.warn("tokens of the command line cannot be written to {}: {}", folder, e.toString());
    } finally {
      lock.unlock();
    }
  }

  private Set<String> configured() {
    Set<String> names = new LinkedHashSet<>();
    String text =
        core.config().find(COMPONENT, List.of(GROUPS)).map(n -> n.asString("")).orElse("");
    for (String name : text.split(",")) {
      if (!name.isBlank()) {
        names.add(name.strip());
      }
    }
    return names;
  }

  private Components.Token write(String client, @Nullable Integer gid) throws IOException {
    Components.Token token = core.components().issueToken(Authorisation.CLI_PRINCIPAL + client);
    byte[] json =
        Json.bytes(
            Json.object()
                .put("cli_auth_token", token.text())
                .put("domain_socket_path", socket.toString()));
    Path file = folder.resolve(client);
    DurableFiles.writeAtomically(file, json, PosixFilePermissions.fromString("rw-------"));
    if (gid != null) {
      // the group first: nobody else's group may read it for a moment
      Files.setAttribute(file, "unix:gid", gid);
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
    }
    return token;
  }

  private void removeFiles(String prefix) throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, prefix + "*")) {
      for (Path file : files) {
        Files.deleteIfExists(file);
      }
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      watches.forEach(Subscription::close);
      groupTokens.forEach(Components.Token::close);
      userTokens.forEach(Components.Token::close);
      if (Files.isDirectory(folder)) {
        removeFiles("");
      }
    } catch (IOException e) {
      log.warn("tokens of the command line cannot be removed from {}: {}", folder, e.toString());
    } finally {
      lock.unlock();
    }
  }
}
