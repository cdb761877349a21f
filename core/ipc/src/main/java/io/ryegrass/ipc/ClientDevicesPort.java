package io.ryegrass.ipc;

import io.ryegrass.nucleus.Subscription;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What {@code aws.greengrass.clientdevices.Auth} offers to IPC, for brokers of other makers
 * (v2-ipc.md §7.9). Policies are checked before it is asked.
 *
 * <p>Errors are {@link io.ryegrass.nucleus.NucleusException}: INVALID_ARGUMENTS, INVALID_CREDENTIAL
 * (no session for this client), INVALID_CLIENT_DEVICE_AUTH_TOKEN (unknown or expired session); any
 * other code is a ServiceError.
 */
public interface ClientDevicesPort {
  /** Whether the certificate belongs to a client device of this core. */
  boolean verify(String certificatePem);

  /** Begins a session; returns its token. User name and password may be empty. */
  String openSession(
      String clientId, String certificatePem, @Nullable String username, @Nullable String password);

  /**
   * Decides by the policies of the session's device.
   *
   * @param operation such as {@code mqtt:publish}
   * @param resource such as {@code mqtt:topic:a/b}
   */
  boolean authorise(String sessionToken, String operation, String resource);

  /** Hears of the broker's server certificate: at once, and at each rotation. */
  Subscription onServerCertificate(Consumer<ServerCertificate> listener);

  /** All PEM. */
  record ServerCertificate(
      String privateKey, String publicKey, String certificate, List<String> caCertificates) {}
}
