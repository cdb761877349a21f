package io.ryegrass.ipc;

import io.ryegrass.eventstream.RpcServer;
import io.ryegrass.nucleus.Bus;
import io.ryegrass.nucleus.CloudMessaging;
import io.ryegrass.nucleus.Components;
import io.ryegrass.nucleus.ConfigTree;
import io.ryegrass.nucleus.DeploymentEngine;
import io.ryegrass.nucleus.LocalDeployments;
import io.ryegrass.nucleus.Nucleus;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;

/**
 * The IPC socket of a core. Start it after the nucleus is open and before it starts its components,
 * so that the first component finds the socket.
 */
public final class IpcServer implements AutoCloseable {
  /** Environment variable of a component: where the socket is. */
  public static final String SOCKET_VARIABLE =
      "AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT";

  private final RpcServer server;
  private final Path socket;
  private final Core core;
  private final CliTokens tokens;

  private IpcServer(RpcServer server, Path socket, Core core, CliTokens tokens) {
    this.server = server;
    this.socket = socket;
    this.core = core;
    this.tokens = tokens;
  }

  /**
   * Listens on {@code <root>/ipc.socket} and lets the deployment engine ask components before
   * updates.
   *
   * @throws java.io.UncheckedIOException naming the socket, when it cannot be bound
   */
  public static IpcServer start(Nucleus nucleus, CloudMessaging messaging) {
    return start(nucleus, messaging, new IpcPorts());
  }

  /**
   * The same, with the ports of components that serve operations themselves.
   *
   * @param ports may be offered before and after the start
   */
  public static IpcServer start(Nucleus nucleus, CloudMessaging messaging, IpcPorts ports) {
    CliScript.write(nucleus.config().root(), System.getProperty("ryegrass.home"));
    return start(
        new Core(
            nucleus.components(),
            nucleus.config(),
            nucleus.bus(),
            nucleus.deployments(),
            nucleus.localDeployments(),
            messaging,
            ports,
            new ComponentMetrics(),
            new DebugPasswords(Clock.systemUTC())),
        RpcServer.Limits.defaults());
  }

  static IpcServer start(Core core, RpcServer.Limits limits) {
    Path socket = socket(core.config().root());
    UpdateNegotiation negotiation = new UpdateNegotiation();
    core.deployments().consult(negotiation);
    RpcServer server = RpcServer.start(socket, new CoreService(core, negotiation), limits);
    try {
      return new IpcServer(server, socket, core, CliTokens.issue(core, socket));
    } catch (RuntimeException e) {
      server.close();
      throw e;
    }
  }

  /** The faces of the nucleus that the operations work on. */
  record Core(
      Components components,
      ConfigTree config,
      Bus bus,
      DeploymentEngine deployments,
      LocalDeployments localDeployments,
      CloudMessaging messaging,
      IpcPorts ports,
      ComponentMetrics metrics,
      DebugPasswords debugPasswords) {}

  /** The socket file of a core with this root folder. */
  public static Path socket(Path root) {
    return root.toAbsolutePath().normalize().resolve("ipc.socket");
  }

  /**
   * The path that components get: absolute, or, when that is longer than a socket address holds,
   * relative to their working folder {@code <root>/work/<component>} (v2-ipc.md §1).
   */
  public static String socketForComponents(Path root) {
    String absolute = socket(root).toString();
    return absolute.getBytes(StandardCharsets.UTF_8).length < 108 ? absolute : "../../ipc.socket";
  }

  /** Where it listens. */
  public Path socket() {
    return socket;
  }

  /** What is open, and what was refused or dropped. */
  public RpcServer.Metrics metrics() {
    return server.metrics();
  }

  /** What components measured, for the telemetry agent. */
  public ComponentMetrics componentMetrics() {
    return core.metrics();
  }

  /** Who may enter the local debug console. */
  public DebugPasswords debugPasswords() {
    return core.debugPasswords();
  }

  @Override
  public void close() {
    tokens.close();
    server.close();
  }
}
