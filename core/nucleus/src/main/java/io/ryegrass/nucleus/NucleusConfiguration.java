package io.ryegrass.nucleus;

import io.ryegrass.model.DeploymentDocument.SystemResourceLimits;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Typed reads of the nucleus' configuration (v2-recipes-config.md section 7): {@code config.yaml}
 * with what deployments of {@code aws.greengrass.Nucleus} put over it. Region, role alias and
 * endpoints always come from {@code config.yaml}: they are identity.
 */
public interface NucleusConfiguration {
  String awsRegion();

  /** Role alias of the token exchange service; empty when none is configured. */
  Optional<String> iotRoleAlias();

  /** Host of the IoT data endpoint, without scheme. */
  String iotDataEndpoint();

  /** Host, or host:port, of the credentials endpoint. */
  String iotCredEndpoint();

  /**
   * Host of the Greengrass data plane; {@code iotDataEndpoint} when the value is empty or {@code
   * iotdata}.
   */
  String dataPlaneHost();

  int dataPlanePort();

  int mqttPort();

  /** {@code user} or {@code user:group} for components without their own runWith. */
  Optional<String> runWithDefaultPosixUser();

  String posixShell();

  /** {@code runWithDefault.systemResourceLimits}: for components without limits of their own. */
  Optional<SystemResourceLimits> runWithDefaultLimits();

  /** Own key {@code ryegrass.s3Endpoint}. */
  Optional<String> s3Endpoint();

  int localMqttPort();

  String localMqttHost();

  int lambdaIpcPort();

  boolean interpolateComponentConfiguration();

  long componentStoreMaxSizeBytes();

  /** The parameters {@code logging.*}. */
  LoggingSettings logging();

  Map<String, String> platformOverride();

  /** Any other key, by path below the nucleus' configuration. */
  Optional<JsonNode> find(String... path);

  /** The whole effective configuration of the nucleus (a copy). */
  ObjectNode raw();
}
