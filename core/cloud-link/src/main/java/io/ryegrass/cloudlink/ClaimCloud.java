package io.ryegrass.cloudlink;

import io.ryegrass.nucleus.CoreIdentity;
import io.ryegrass.nucleus.NucleusException;
import java.nio.file.Path;
import java.time.Duration;
import tools.jackson.databind.node.ObjectNode;

/**
 * A cloud that answers a device which has nothing but a claim certificate (v2-deployments.md
 * section 14): requests on topics whose answers come on {@code …/accepted} and {@code …/rejected}.
 */
public interface ClaimCloud extends AutoCloseable {
  /**
   * Asks, and waits for the answer.
   *
   * @throws Rejected when the cloud said no
   * @throws io.ryegrass.nucleus.CloudUnavailableException when it did not answer in time
   */
  ObjectNode ask(String topic, ObjectNode request) throws InterruptedException;

  @Override
  void close();

  /** Opens connections. */
  @FunctionalInterface
  interface Door {
    /**
     * @throws io.ryegrass.nucleus.CloudUnavailableException when there is no connection in time
     */
    ClaimCloud open(Settings settings) throws InterruptedException;
  }

  /**
   * How to connect.
   *
   * @param claim the claim's certificate and key, and whom to trust
   * @param clientId of MQTT
   * @param proxyUrl {@code scheme://[user:password@]host[:port]}; empty for none
   * @param proxyUser counts when the address names none; may be empty
   * @param patience for the connection and for each answer
   */
  record Settings(
      Path root,
      CoreIdentity claim,
      String region,
      String host,
      int port,
      String clientId,
      String proxyUrl,
      String proxyUser,
      String proxyPassword,
      Duration patience) {
    /** Without the password. */
    @Override
    public String toString() {
      return "Settings[" + host + ":" + port + " as " + clientId + "]";
    }
  }

  /** The cloud's no. */
  final class Rejected extends NucleusException {
    private static final long serialVersionUID = 1;

    public Rejected(String code, String message) {
      super(code, message);
    }
  }
}
