package io.ryegrass.shadows;

import io.ryegrass.durable.DurableFiles;
import io.ryegrass.ipc.IpcPorts;
import io.ryegrass.ipc.ShadowsPort;
import io.ryegrass.model.Json;
import io.ryegrass.model.shadow.ShadowException;
import io.ryegrass.model.shadow.ShadowTopics;
import io.ryegrass.nucleus.BuiltIn;
import io.ryegrass.nucleus.BuiltInContext;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.Subscription;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * The built-in component {@code aws.greengrass.ShadowManager}, which is V1's {@code
 * GGShadowService} and {@code GGShadowSyncManager} too. Its configuration is that of SHM-03 to
 * SHM-06.
 */
public final class ShadowManager implements BuiltIn {
  public static final String NAME = "aws.greengrass.ShadowManager";

  /** By this ARN functions call it (v1-lambda-runtime.md section 11.1). */
  public static final String FUNCTION_ARN = "arn:aws:lambda:::function:GGShadowService";

  private static final byte[] NOT_RUNNING =
      "{\"code\":500,\"message\":\"The shadow service does not run on this core; deploy aws.greengrass.ShadowManager.\"}"
          .getBytes(StandardCharsets.UTF_8);

  /** What exists between start and stop. */
  private record Running(
      LocalShadows shadows, ShadowDoor door, ShadowSync sync, Subscription ipc, Clock clock) {}

  private final IpcPorts ports;
  private final ShadowCloud cloud;
  private final Clock clock;
  private final ShadowSync.Times times;
  private volatile @Nullable Running running;

  /** The folder whose shadows go when the component does. */
  private volatile @Nullable Path forgets;

  /**
   * @param ports where components' calls arrive
   * @param cloud the shadows in the cloud; called only when the configuration asks for it
   */
  public ShadowManager(IpcPorts ports, ShadowCloud cloud, Clock clock) {
    this(ports, cloud, clock, ShadowSync.Times.USUAL);
  }

  ShadowManager(IpcPorts ports, ShadowCloud cloud, Clock clock, ShadowSync.Times times) {
    this.times = times;
    this.ports = ports;
    this.cloud = cloud;
    this.clock = clock;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public void start(BuiltInContext c) {
    String coreThing = c.config().identity().thingName();
    ShadowSettings settings = ShadowSettings.of(c.configuration(), coreThing);
    RequestRates rates =
        new RequestRates(System::nanoTime, settings.totalRate(), settings.thingRate());
    LocalShadows shadows =
        new LocalShadows(
            new ShadowStore(c.work().resolve("shadows")),
            ShadowDoor.announcer(c.bus()),
            rates,
            settings.maxBytes(),
            clock);
    ShadowSync sync =
        new ShadowSync(shadows, c.work().resolve("sync"), cloud, c.cloud().messaging(), times);
    shadows.onChange(sync::localChanged);
    ShadowDoor door = new ShadowDoor(c.bus(), shadows);
    door.open();
    Subscription ipc = ports.offer(new Port(shadows, clock));
    running = new Running(shadows, door, sync, ipc, clock);
    c.onConfigurationChanged(
        changed -> {
          try {
            ShadowSettings next = ShadowSettings.of(changed, coreThing);
            rates.set(next.totalRate(), next.thingRate());
            shadows.maxBytes(next.maxBytes());
            sync.configure(next.sync());
            forgets = next.deletedOnRemoval() ? c.work() : null;
          } catch (NucleusException e) {
            c.failed(e.code(), String.valueOf(e.getMessage()));
          }
        });
    c.log().info("Shadows are served from {}", c.work());
    sync.configure(settings.sync());
    forgets = settings.deletedOnRemoval() ? c.work() : null;
  }

  @Override
  public void stop() {
    Running was = running;
    running = null;
    if (was != null) {
      was.ipc().close();
      was.door().close();
      was.sync().close();
    }
  }

  /**
   * Shadows of a V1 group leave the core with it: that is what a reset of its deployments removes
   * (RST-01). Others stay until the component comes back.
   */
  @Override
  public void deploymentEnded(@Nullable ObjectNode configuration) {
    Path folder = forgets;
    if (configuration == null && folder != null) {
      forgets = null;
      DurableFiles.deleteTree(folder.resolve("shadows"));
      DurableFiles.deleteTree(folder.resolve("sync"));
    }
  }

  /**
   * A function's call; the answer of an error is an answer, too (v1-lambda-runtime.md section
   * 11.1).
   *
   * @param subject {@code $aws/things/<thing>/shadow/get|update|delete}
   */
  public byte[] call(String subject, byte[] payload) {
    Running now = running;
    if (now == null) {
      return NOT_RUNNING.clone();
    }
    Optional<ShadowTopics> topic = ShadowTopics.parse(subject);
    ObjectNode answer;
    try {
      if (topic.isEmpty()) {
        throw new ShadowException(400, "'" + subject + "' is no request for a shadow");
      }
      answer =
          now.shadows()
              .serve(
                  ShadowKey.of(topic.get().thing(), topic.get().shadowName()),
                  topic.get().operation(),
                  payload);
    } catch (ShadowException e) {
      answer = now.shadows().rejection(e, Json.object());
    }
    return Json.bytes(answer);
  }

  /** Components' calls. */
  record Port(LocalShadows shadows, Clock clock) implements ShadowsPort {
    @Override
    public byte[] get(String thing, String shadow) {
      return orError(() -> Json.bytes(serve(thing, shadow, "get", new byte[0])));
    }

    @Override
    public byte[] update(String thing, String shadow, byte[] document) {
      return orError(() -> Json.bytes(serve(thing, shadow, "update", document)));
    }

    @Override
    public byte[] delete(String thing, String shadow) {
      return orError(
          () -> {
            var unused = serve(thing, shadow, "delete", new byte[0]);
            return new byte[0];
          });
    }

    private ObjectNode serve(String thing, String shadow, String operation, byte[] payload) {
      return shadows.serve(ShadowKey.of(thing, shadow), operation, payload);
    }

    @Override
    public Page list(String thing, @Nullable String nextToken, int pageSize) {
      return orError(
          () -> {
            String after = nextToken == null ? "" : after(thing, nextToken);
            List<String> names = shadows.names(thing, after, pageSize);
            // A page that is just full has a token, too; the page after it is empty (IPC-29).
            return new Page(
                names,
                clock.instant(),
                names.size() < pageSize ? null : token(thing, names.getLast()));
          });
    }

    private static String token(String thing, String last) {
      return Base64.getUrlEncoder()
          .withoutPadding()
          .encodeToString((thing + " " + last).getBytes(StandardCharsets.UTF_8));
    }

    private static String after(String thing, String token) {
      try {
        String text = new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8);
        if (text.startsWith(thing + " ")) {
          return text.substring(thing.length() + 1);
        }
      } catch (IllegalArgumentException e) {
        throw new ShadowException(400, "Invalid nextToken");
      }
      throw new ShadowException(400, "Invalid nextToken");
    }

    private static <T> T orError(Supplier<T> work) {
      try {
        return work.get();
      } catch (ShadowException e) {
        throw new NucleusException(
            switch (e.code()) {
              case 400, 413, 415 -> "INVALID_ARGUMENTS";
              case 404 -> "RESOURCE_NOT_FOUND";
              case 409 -> "CONFLICT";
              case 401, 403 -> "UNAUTHORIZED";
              default -> "SHADOW_SERVICE";
            },
            String.valueOf(e.getMessage()),
            e);
      }
    }
  }
}
