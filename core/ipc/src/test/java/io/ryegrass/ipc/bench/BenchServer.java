package io.ryegrass.ipc.bench;

import io.ryegrass.ipc.IpcServer;
import io.ryegrass.model.FailureHandlingPolicy;
import io.ryegrass.nucleus.CloudPorts;
import io.ryegrass.nucleus.ComponentState;
import io.ryegrass.nucleus.LocalDeployment;
import io.ryegrass.nucleus.Nucleus;
import io.ryegrass.nucleus.NucleusSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/** A real nucleus without a cloud, with one component whose policies allow what is measured. */
public final class BenchServer {
  static final String COMPONENT = "com.example.Bench";
  private static final int TOKENS = 32;

  private BenchServer() {}

  /** Prints the tokens, one a line, then {@code ready}; ends when its input ends. */
  public static void main(String[] args) throws Exception {
    Path root = Path.of(args[0]).toAbsolutePath();
    writeConfiguration(root);
    CloudPorts cloud = CloudPorts.offline();
    try (Nucleus nucleus =
            Nucleus.open(
                NucleusSettings.of(root), java.util.List.of(), java.util.List.of(), cloud);
        IpcServer _ = IpcServer.start(nucleus, cloud.messaging())) {
      nucleus.start();
      deploy(nucleus, root);
      for (int i = 0; i < TOKENS; i++) {
        System.out.println(nucleus.components().issueToken(COMPONENT).text());
      }
      System.out.println("ready");
      System.out.flush();
      while (System.in.read() >= 0) {
        System.out.println("bus " + nucleus.bus().metrics());
        System.out.flush();
      }
    }
    System.exit(0);
  }

  private static void writeConfiguration(Path root) throws IOException {
    Files.createDirectories(root.resolve("config"));
    Files.writeString(
        root.resolve("cert.pem"), "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n");
    Files.writeString(
        root.resolve("key.pem"), "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n");
    Files.writeString(
        root.resolve("config/config.yaml"),
        """
        system:
          thingName: bench
          certificateFilePath: %1$s/cert.pem
          privateKeyPath: %1$s/key.pem
          rootCaPath: %1$s/cert.pem
          rootpath: %1$s
        services:
          aws.greengrass.Nucleus:
            componentType: NUCLEUS
            version: 2.15.0
            configuration:
              awsRegion: us-east-1
              iotRoleAlias: alias
              iotDataEndpoint: localhost
              iotCredEndpoint: localhost:8443
              runWithDefault: {posixUser: %2$s}
        """
            .formatted(root, System.getProperty("user.name")));
  }

  private static void deploy(Nucleus nucleus, Path root) throws Exception {
    Path recipes = Files.createDirectories(root.resolve("recipes"));
    Files.writeString(
        recipes.resolve(COMPONENT + "-1.0.0.yaml"),
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: com.example.Bench
        ComponentVersion: 1.0.0
        ComponentPublisher: bench
        ComponentConfiguration:
          DefaultConfiguration:
            inner: {depth: 1}
            accessControl:
              aws.greengrass.ipc.pubsub:
                'com.example.Bench:pubsub:1':
                  operations: ['*']
                  resources: ['bench/*', 'other/topic']
        Manifests:
          - Platform: {os: linux}
            Lifecycle:
              Run: exec sleep 3600
        """);
    nucleus
        .deployments()
        .submit(
            new LocalDeployment(
                "bench-1",
                System.currentTimeMillis(),
                Map.of(COMPONENT, "1.0.0"),
                Set.of(),
                null,
                Map.of(),
                Map.of(),
                recipes,
                null,
                FailureHandlingPolicy.ROLLBACK));
    long end = System.nanoTime() + 30_000_000_000L;
    while (nucleus.components().find(COMPONENT).map(c -> c.state()).orElse(ComponentState.NEW)
        != ComponentState.RUNNING) {
      if (System.nanoTime() > end) {
        throw new IllegalStateException("the component does not run");
      }
      Thread.sleep(20);
    }
  }
}
