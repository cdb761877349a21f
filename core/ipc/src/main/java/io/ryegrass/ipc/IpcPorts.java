package io.ryegrass.ipc;

import io.ryegrass.nucleus.Subscription;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Operations of IPC that belong to a component and are served only while it runs: the component
 * offers its port when it starts and closes the offer when it stops. Meanwhile, and on a core
 * without the component, callers get the error that names it (TRB-18).
 *
 * <p>Made before the nucleus, because built-in components are; safe for any thread.
 */
public final class IpcPorts {
  private final AtomicReference<@Nullable SecretsPort> secrets = new AtomicReference<>();
  private final AtomicReference<@Nullable ShadowsPort> shadows = new AtomicReference<>();
  private final AtomicReference<@Nullable ClientDevicesPort> clientDevices =
      new AtomicReference<>();

  /** Serves secrets until the result is closed. */
  public Subscription offer(SecretsPort port) {
    return put(secrets, port);
  }

  /** Serves shadows until the result is closed. */
  public Subscription offer(ShadowsPort port) {
    return put(shadows, port);
  }

  /** Serves client-device calls until the result is closed. */
  public Subscription offer(ClientDevicesPort port) {
    return put(clientDevices, port);
  }

  Optional<SecretsPort> secrets() {
    return Optional.ofNullable(secrets.get());
  }

  Optional<ShadowsPort> shadows() {
    return Optional.ofNullable(shadows.get());
  }

  Optional<ClientDevicesPort> clientDevices() {
    return Optional.ofNullable(clientDevices.get());
  }

  private static <T> Subscription put(AtomicReference<@Nullable T> place, T port) {
    place.set(port);
    return () -> place.compareAndSet(port, null);
  }
}
