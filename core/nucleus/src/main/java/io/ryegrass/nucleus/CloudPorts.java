package io.ryegrass.nucleus;

import io.ryegrass.model.ComponentVersion;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Everything the nucleus needs of the cloud. */
public record CloudPorts(
    ComponentCatalog catalog,
    ArtifactSource artifacts,
    CloudMessaging messaging,
    DeploymentReporter reporter,
    FleetReporter fleet,
    CredentialsSource credentials) {

  /**
   * Ports for life without a cloud: nothing can be fetched, statuses are dropped, publishing is
   * refused.
   */
  public static CloudPorts offline() {
    return new CloudPorts(
        new ComponentCatalog() {
          @Override
          public ResolvedComponent resolve(
              String name,
              Map<String, String> requirements,
              Map<String, String> platform,
              @Nullable ComponentVersion local) {
            // Asking again will not help (LESSON-14).
            throw new CloudRefusedException(
                "NO_AVAILABLE_COMPONENT_VERSION",
                "No version of "
                    + name
                    + " on this device fits "
                    + requirements
                    + ", and this core has no cloud to ask; deploy with the recipe's folder.");
          }

          @Override
          public List<String> thingGroups() {
            throw noCloud();
          }
        },
        (arn, artifact, target) -> {
          throw new CloudRefusedException(
              "ARTIFACT_DOWNLOAD_ERROR",
              "Artifact "
                  + artifact.uri()
                  + " is not on this device, and this core has no cloud to fetch it from; deploy"
                  + " with the artifacts' folder.");
        },
        new CloudMessaging() {
          @Override
          public void publish(String topic, byte[] payload, int qos) {
            throw new CloudMessagingException(
                "NO_CLOUD", "This core runs without a cloud; nothing can be published to it.");
          }

          @Override
          public AutoCloseable subscribe(String filter, int qos, Consumer<CloudMessage> c) {
            return () -> {};
          }

          @Override
          public boolean connected() {
            return false;
          }
        },
        status -> {},
        snapshot -> {},
        () -> {
          throw noCloud();
        });
  }

  /** The same with another source of artifacts. */
  public CloudPorts with(ArtifactSource other) {
    return new CloudPorts(catalog, other, messaging, reporter, fleet, credentials);
  }

  private static CloudUnavailableException noCloud() {
    return new CloudUnavailableException("This core runs without a cloud.");
  }
}
