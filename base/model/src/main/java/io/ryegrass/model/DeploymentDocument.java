package io.ryegrass.model;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * What the cloud sends a device to apply, as IoT job document or inside the shadow
 * (v2-deployments.md §1).
 *
 * @param deploymentId Greengrass deployment id; empty when the document has none
 * @param deploymentName empty when the document has none
 * @param configurationArn {@code arn:…:configuration:thinggroup/NAME:REVISION} or {@code …:thing/…}
 * @param onBehalfOf thing-group ARN for which a subdeployment is made
 * @param creationTimestamp milliseconds since 1970; orders deployments of one group
 * @param components root components only, by name
 */
public record DeploymentDocument(
    String deploymentId,
    String deploymentName,
    String configurationArn,
    @Nullable String parentTargetArn,
    @Nullable String onBehalfOf,
    long creationTimestamp,
    Map<String, ComponentUpdate> components,
    FailureHandlingPolicy failureHandlingPolicy,
    List<String> requiredCapabilities,
    ComponentUpdatePolicy componentUpdatePolicy,
    ConfigurationValidationPolicy configurationValidationPolicy) {

  public DeploymentDocument {
    components = RecipeReader.ordered(components);
    requiredCapabilities = List.copyOf(requiredCapabilities);
  }

  /** One root component: exact version, configuration update, user and limits. */
  public record ComponentUpdate(
      String version, ConfigurationUpdate configurationUpdate, @Nullable RunWith runWith) {}

  /**
   * The change of a component's configuration; see {@link ConfigurationMerge}.
   *
   * @param merge null when nothing is merged
   * @param reset JSON pointers; the empty one resets everything
   */
  public record ConfigurationUpdate(@Nullable ObjectNode merge, List<String> reset) {
    /** No change. */
    public static final ConfigurationUpdate NONE = new ConfigurationUpdate(null, List.of());

    public ConfigurationUpdate {
      reset = List.copyOf(reset);
    }
  }

  /**
   * The user and limits of a component's processes.
   *
   * @param posixUser {@code user} or {@code user:group}; null leaves, an empty text removes
   * @param windowsUser null leaves, an empty text removes
   * @param systemResourceLimits null removes
   */
  public record RunWith(
      @Nullable String posixUser,
      @Nullable String windowsUser,
      @Nullable SystemResourceLimits systemResourceLimits) {}

  /**
   * Limits of a component's processes together.
   *
   * @param memory kilobytes, 0 for none
   * @param cpus number of CPUs, 0 for none
   */
  public record SystemResourceLimits(long memory, double cpus) {}

  /** Whether running components are asked before an update, and how long (seconds). */
  public record ComponentUpdatePolicy(int timeout, Action action) {
    /** Ask, at most 60 seconds. */
    public static final ComponentUpdatePolicy DEFAULT =
        new ComponentUpdatePolicy(60, Action.NOTIFY_COMPONENTS);

    /** To ask or not to ask. */
    public enum Action {
      NOTIFY_COMPONENTS,
      SKIP_NOTIFY_COMPONENTS
    }
  }

  /** How long components may take to validate a configuration (seconds). */
  public record ConfigurationValidationPolicy(int timeout) {
    /** 60 seconds, the device's default. */
    public static final ConfigurationValidationPolicy DEFAULT =
        new ConfigurationValidationPolicy(60);
  }

  /**
   * Reads a document.
   *
   * @throws InvalidDocumentException with code {@code DEPLOYMENT_DOCUMENT_PARSE_ERROR}, {@code
   *     DEPLOYMENT_DOCUMENT_NOT_VALID} or {@code COMPONENT_METADATA_NOT_VALID_IN_DEPLOYMENT}
   */
  public static DeploymentDocument parse(String json) {
    return DeploymentDocuments.read(json);
  }

  /** The document as the cloud sends it. */
  public ObjectNode toJson() {
    return DeploymentDocuments.write(this);
  }

  /**
   * The key under which a device files the deployment: {@code thing/NAME} or {@code
   * thinggroup/NAME}. A document made on behalf of a group belongs to that group; a configuration
   * ARN that does not parse is its own key.
   */
  public String groupKey() {
    if (onBehalfOf != null && Arn.isArn(onBehalfOf)) {
      return Arn.parse(onBehalfOf).resource();
    }
    if (!Arn.isArn(configurationArn)) {
      return configurationArn;
    }
    String resource = Arn.parse(configurationArn).resource();
    String prefix = "configuration:";
    int revision = resource.lastIndexOf(':');
    return resource.startsWith(prefix) && revision > prefix.length()
        ? resource.substring(prefix.length(), revision)
        : configurationArn;
  }
}
