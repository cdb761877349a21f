package io.ryegrass.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkClientException;

/** {@code ryegrass provision}: from a name to a folder that {@code ryegrass core} can run. */
@Command(
    name = "ryegrass provision",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Makes a thing with certificate, IoT policy and role alias through the cloud's public API,",
      "and writes the device's folder: certs/ and, for a core, config/config.yaml."
    })
public final class ProvisionMain implements Callable<Integer> {
  @Option(names = "--thing", required = true, description = "name of the thing")
  private String thing = "";

  @Option(names = "--root", required = true, description = "the device's folder")
  private Path root = Path.of("");

  @Option(
      names = "--data",
      description = "the cloud's data folder (default: $RYEGRASS_DATA)",
      defaultValue = "${env:RYEGRASS_DATA}")
  private @Nullable Path data;

  @Option(
      names = "--client-device",
      description = "a client device that connects to a core: certificates only, narrow policy")
  private boolean clientDevice;

  @Option(names = "--policy", description = "name of the IoT policy to make or use")
  private @Nullable String policy;

  @Option(
      names = "--policy-document",
      description = "file with the text of that policy (default: made for the kind of device)")
  private @Nullable Path policyDocument;

  @Option(
      names = "--local-mqtt-port",
      defaultValue = "8883",
      description = "the core's broker for client devices (default ${DEFAULT-VALUE}; 0: any free)")
  private int localMqttPort;

  @Option(
      names = "--lambda-ipc-port",
      defaultValue = "8000",
      description = "the core's door for functions (default ${DEFAULT-VALUE}; 0: any free)")
  private int lambdaIpcPort;

  @Override
  public Integer call() {
    if (data == null) {
      throw new CliException("name the cloud's data folder with --data");
    }
    CloudAddress cloud = CloudAddress.ofDataFolder(data);
    DeviceFolder folder = new DeviceFolder(root);
    folder.prepare();
    try (Provisioning provisioning = new Provisioning(cloud)) {
      if (!clientDevice) {
        provisioning.ensureRoleAlias();
      }
      String policyName =
          policy != null ? policy : clientDevice ? thing + "-device" : "RyegrassCorePolicy";
      var identity = provisioning.createIdentity(thing, policyName, policyText(provisioning));
      folder.writeIdentity(identity, cloud.rootCaPem());
      if (!clientDevice) {
        folder.writeCoreConfiguration(
            cloud, thing, new DeviceFolder.Ports(localMqttPort, lambdaIpcPort));
      }
      System.out.println(
          "provisioned thing="
              + thing
              + " certificate="
              + identity.certificateId()
              + " policy="
              + policyName
              + " root="
              + root.toAbsolutePath().normalize());
      return 0;
    } catch (AwsServiceException e) {
      throw new CliException(
          "the cloud refused to provision '"
              + thing
              + "': "
              + e.awsErrorDetails().errorCode()
              + ", "
              + e.awsErrorDetails().errorMessage());
    } catch (SdkClientException e) {
      throw new CliException(
          "cannot reach the cloud at "
              + cloud.apiUrl()
              + "; is it running? Start it with './ryegrass cloud --data "
              + data
              + "'");
    }
  }

  private String policyText(Provisioning provisioning) {
    if (policyDocument != null) {
      try {
        return Files.readString(policyDocument).strip();
      } catch (IOException e) {
        throw new CliException(
            "cannot read the policy document "
                + policyDocument
                + " ("
                + e.getClass().getSimpleName()
                + "); name a file with --policy-document");
      }
    }
    return clientDevice ? provisioning.clientDevicePolicy(thing) : provisioning.corePolicy();
  }

  /** Exit codes: 0 done, 1 failed with one sentence on stderr, 2 wrong usage. */
  public static void main(String[] args) {
    CommandLine command = new CommandLine(new ProvisionMain());
    command.setExecutionExceptionHandler(
        (e, line, result) -> {
          if (e instanceof CliException) {
            System.err.println("ryegrass provision: " + e.getMessage());
            return 1;
          }
          throw e;
        });
    System.exit(command.execute(args));
  }
}
