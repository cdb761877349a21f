package io.ryegrass.model;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The public components that run inside the core process: the cloud offers them under account
 * {@code aws}, the core brings them along and never downloads them. Names and roles are those of
 * the guide's component list, the code behind them is ours.
 */
public final class BuiltInComponents {
  /** The nucleus version that the core reports and the cloud offers. */
  public static final String NUCLEUS_VERSION = "2.15.0";

  private static final String PUBLISHER = "Ryegrass";

  private static final List<Recipe> RECIPES =
      List.of(
          recipe(
              "aws.greengrass.Nucleus",
              NUCLEUS_VERSION,
              ComponentType.NUCLEUS,
              "The nucleus: component life cycle, deployments, configuration and IPC",
              "{}",
              "{}"),
          plugin(
              "aws.greengrass.TokenExchangeService",
              "2.0.3",
              "Gives components AWS credentials of the role alias",
              "{port: 0}",
              "{}"),
          plugin(
              "aws.greengrass.DockerApplicationManager",
              "2.0.12",
              "Fetches container images for components",
              "{}",
              "{}"),
          plugin(
              "aws.greengrass.SecretManager",
              "2.2.0",
              "Keeps secrets of the cloud encrypted on the core",
              "{cloudSecrets: []}",
              "{}"),
          plugin(
              "aws.greengrass.LambdaManager",
              "2.3.3",
              "Runs Lambda functions: queues, workers, isolation",
              "{}",
              "{}"),
          plugin(
              "aws.greengrass.LambdaLauncher",
              "2.0.13",
              "Starts and stops the processes of Lambda functions",
              "{}",
              "{aws.greengrass.LambdaManager: {VersionRequirement: '>=2.0.0 <2.4.0', DependencyType:"
                  + " HARD}}"),
          plugin(
              "aws.greengrass.LambdaRuntimes",
              "2.0.8",
              "Support modules for Lambda functions",
              "{}",
              "{}"),
          plugin(
              "aws.greengrass.LegacySubscriptionRouter",
              "2.1.13",
              "The subscription table of V1 groups",
              "{subscriptions: {}}",
              "{}"),
          plugin(
              "aws.greengrass.clientdevices.Auth",
              "2.5.2",
              "Authenticates and authorises client devices",
              "{deviceGroups: {formatVersion: '2021-03-05'}}",
              "{}"),
          plugin(
              "aws.greengrass.clientdevices.mqtt.Moquette",
              "2.3.7",
              "The local MQTT broker for client devices",
              "{}",
              "{aws.greengrass.clientdevices.Auth: {VersionRequirement: '>=2.2.0 <2.6.0',"
                  + " DependencyType: HARD}}"),
          plugin(
              "aws.greengrass.ShadowManager",
              "2.3.12",
              "Keeps device shadows on the core and synchronizes them with the cloud",
              "{}",
              "{}"),
          plugin(
              "aws.greengrass.Cli",
              NUCLEUS_VERSION,
              "Local deployments and component management from the command line",
              "{}",
              "{}"));

  private static final Map<String, Recipe> BY_NAME =
      RECIPES.stream().collect(Collectors.toMap(Recipe::componentName, Function.identity()));

  private BuiltInComponents() {}

  /** One recipe for each built-in component, in a fixed order. */
  public static List<Recipe> recipes() {
    return RECIPES;
  }

  /** Whether a component of that name runs inside the core process. */
  public static boolean isBuiltIn(String name) {
    return BY_NAME.containsKey(name);
  }

  private static Recipe plugin(
      String name, String version, String description, String configuration, String dependencies) {
    return recipe(name, version, ComponentType.PLUGIN, description, configuration, dependencies);
  }

  private static Recipe recipe(
      String name,
      String version,
      ComponentType type,
      String description,
      String configuration,
      String dependencies) {
    String yaml =
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: %s
        ComponentVersion: %s
        ComponentType: %s
        ComponentDescription: '%s'
        ComponentPublisher: %s
        ComponentConfiguration: {DefaultConfiguration: %s}
        ComponentDependencies: %s
        Manifests: [{Name: any}]
        """
            .formatted(
                name,
                version,
                type.wireName(),
                description,
                PUBLISHER,
                configuration,
                dependencies);
    return Recipe.parse(yaml.getBytes(StandardCharsets.UTF_8));
  }
}
