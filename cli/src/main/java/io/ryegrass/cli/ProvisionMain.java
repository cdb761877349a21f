package io.ryegrass.cli;

import io.ryegrass.cli.v1.V1Folder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.iot.model.CreateKeysAndCertificateResponse;

/** {@code ryegrass provision}: from a name to a folder that {@code ryegrass core} can run. */
@Command(
    name = "ryegrass provision",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Makes a thing with certificate, IoT policy and role alias through the cloud's public API,",
      "and writes the device's folder: certs/ and, for a core, config/config.yaml, or with --v1",
      "config/config.json and greengrassd of Greengrass V1."
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

  @Option(
      names = "--v1",
      description = "a core of Greengrass V1: config.json, <hash>.cert.pem …, ggc/core/greengrassd")
  private boolean v1;

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

  @Option(
      names = {"-u", "--component-default-user"},
      defaultValue = "${env:RYEGRASS_COMPONENT_DEFAULT_USER}",
      description =
          "user[:group] that components run as (default as root: ggc_user:ggc_group where it"
              + " exists; 'ryegrass install' makes it)")
  private @Nullable String defaultUser;

  @Override
  public Integer call() {
    if (data == null) {
      throw new CliException("name the cloud's data folder with --data");
    }
    CloudAddress cloud = CloudAddress.ofDataFolder(data);
    DeviceFolder folder = new DeviceFolder(root);
    if (v1 && clientDevice) {
      throw new CliException("--v1 is about cores; leave it away for a client device");
    }
    if (v1) {
      new V1Folder(root).requireNoIdentity();
    }
    folder.requireNoIdentity();
    folder.prepare();
    try (Provisioning provisioning = new Provisioning(cloud)) {
      String thingArn = provisioning.ensureThing(thing);
      String policyName =
          policy != null ? policy : clientDevice ? thing + "-device" : "RyegrassCorePolicy";
      String document;
      if (policyDocument != null) {
        document = given(policyDocument);
      } else {
        document = clientDevice ? Provisioning.clientDevicePolicy(thingArn, thing) : "";
      }
      if (!clientDevice) {
        String role = provisioning.ensureRoleWithArtifacts(Provisioning.ROLE);
        Provisioning.Alias alias = provisioning.ensureAlias(Provisioning.ROLE_ALIAS, role);
        if (!alias.roleArn().equals(role)) {
          throw new CliException(
              "role alias '"
                  + Provisioning.ROLE_ALIAS
                  + "' points to "
                  + alias.roleArn()
                  + ", not to "
                  + role);
        }
        document = document.isEmpty() ? Provisioning.corePolicy(alias.arn()) : document;
      }
      provisioning.requirePolicy(policyName, document);
      var identity = provisioning.createCertificate(thing, List.of(policyName));
      if (v1) {
        writeV1(cloud, thingArn, identity);
      } else {
        folder.writeIdentity(identity, cloud.rootCaPem());
      }
      if (!clientDevice && !v1) {
        writeConfiguration(cloud, folder);
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
              + cloud.name()
              + "; is it running? Start it with './ryegrass cloud --data "
              + data
              + "'");
    }
  }

  private void writeV1(
      CloudAddress cloud, String thingArn, CreateKeysAndCertificateResponse identity) {
    V1Folder folder = new V1Folder(root);
    Map<String, Integer> ports = new LinkedHashMap<>();
    if (localMqttPort != 8883) {
      ports.put("ggMqttPort", localMqttPort);
    }
    if (lambdaIpcPort != 8000) {
      ports.put("ggDaemonPort", lambdaIpcPort);
    }
    folder.installDaemon();
    folder.write(
        cloud,
        thingArn,
        identity.certificateId(),
        Map.of(
            "private",
            identity.keyPair().privateKey(),
            "public",
            identity.keyPair().publicKey(),
            "certificate",
            identity.certificatePem()),
        ports);
  }

  /** What the folder's configuration said before stays, such as that of a core without a cloud. */
  private void writeConfiguration(CloudAddress cloud, DeviceFolder folder) {
    Path absolute = root.toAbsolutePath().normalize();
    CoreConfiguration config = CoreConfiguration.ofRoot(absolute);
    config.identity(absolute, thing, folder.certificate(), folder.privateKey(), folder.rootCa());
    config.cloud(cloud, Provisioning.ROLE_ALIAS);
    config.ports(localMqttPort, lambdaIpcPort);
    if (defaultUser != null && !defaultUser.isBlank()) {
      config.defaultUser(new HostUsers().require(defaultUser));
    } else if (config.defaultUser().isEmpty() && new HostUsers().hasDefault()) {
      config.defaultUser(HostUsers.DEFAULT);
    }
    config.write(absolute);
  }

  private static String given(Path policyDocument) {
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
