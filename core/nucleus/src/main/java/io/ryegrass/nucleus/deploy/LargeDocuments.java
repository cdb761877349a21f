package io.ryegrass.nucleus.deploy;

import io.ryegrass.model.DeploymentDocument;
import io.ryegrass.nucleus.CloudRefusedException;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.ComponentCatalog;
import io.ryegrass.nucleus.DeploymentRequest;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.store.Backoff;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Documents that are too large for a shadow or a job, and are fetched. */
final class LargeDocuments {
  /** What an outline requires of a core. */
  static final String CAPABILITY = "LARGE_CONFIGURATION";

  private static final Logger LOG = LoggerFactory.getLogger(LargeDocuments.class);

  /** Refusals that may be followed by a permission (TRB-29). */
  private static final int REFUSALS = 10;

  private final ComponentCatalog catalog;
  private final Backoff backoff;

  LargeDocuments(ComponentCatalog catalog, Backoff backoff) {
    this.catalog = catalog;
    this.backoff = backoff;
  }

  /**
   * The deployment with the components of its whole document, when its message was only an outline
   * (v2-deployments.md sections 1 and 7.3). Tried again while the cloud is away, and for some
   * minutes when it refuses, which AWS's nucleus does for ever (TRB-29).
   */
  DeploymentRequest whole(DeploymentRequest request) throws InterruptedException {
    DeploymentDocument outline = request.document();
    if (!outline.requiredCapabilities().contains(CAPABILITY)) {
      return request;
    }
    int refusals = 0;
    for (int attempt = 0; ; attempt++) {
      try {
        return request(
            request, DeploymentDocument.parse(catalog.deploymentDocument(outline.deploymentId())));
      } catch (CloudUnavailableException e) {
        LOG.info("The document of {} is not to be had now: {}", request.id(), e.getMessage());
      } catch (CloudRefusedException e) {
        boolean mayPass =
            e.code().equals("RESOURCE_NOT_FOUND") || e.code().endsWith("_ACCESS_DENIED");
        if (!mayPass || ++refusals == REFUSALS) {
          throw e;
        }
        LOG.warn("The document of {} is refused, trying again: {}", request.id(), e.getMessage());
      }
      backoff.pause(attempt);
    }
  }

  private static DeploymentRequest request(DeploymentRequest request, DeploymentDocument whole) {
    DeploymentDocument outline = request.document();
    if (!versions(outline).equals(versions(whole))) {
      throw new NucleusException(
          "DEPLOYMENT_DOCUMENT_NOT_VALID",
          "The document of deployment "
              + outline.deploymentId()
              + " has other components than its outline: "
              + versions(whole)
              + " instead of "
              + versions(outline)
              + "; deploy again.");
    }
    return new DeploymentRequest(
        request.origin(),
        request.id(),
        new DeploymentDocument(
            outline.deploymentId(),
            outline.deploymentName(),
            outline.configurationArn(),
            outline.parentTargetArn(),
            outline.onBehalfOf(),
            outline.creationTimestamp(),
            whole.components(),
            outline.failureHandlingPolicy(),
            outline.requiredCapabilities().stream().filter(c -> !c.equals(CAPABILITY)).toList(),
            outline.componentUpdatePolicy(),
            outline.configurationValidationPolicy()));
  }

  private static Map<String, String> versions(DeploymentDocument document) {
    Map<String, String> versions = new TreeMap<>();
    document.components().forEach((name, update) -> versions.put(name, update.version()));
    return versions;
  }
}
