package io.ryegrass.cli.install;

import io.ryegrass.cli.CliException;
import io.ryegrass.model.BuiltInComponents;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkClientException;

/**
 * The arguments of the contract's installer (INS-17 … INS-33) and a few of our own. A Boolean
 * argument without a value is true (INS-32).
 */
@Command(
    name = "ryegrass install",
    sortOptions = false,
    usageHelpAutoWidth = true,
    description = {
      "Makes a core: its root folder, and as asked for its identity in a cloud, the user its",
      "components run as, and a systemd service. May be run again on the same folder."
    })
public final class InstallMain implements Callable<Integer> {
  private static final String TRUE = "true";

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "show this")
  private boolean help;

  @Option(
      names = {"-v", "--version"},
      description = "print the version of the nucleus")
  private boolean version;

  @Option(
      names = {"-r", "--root"},
      paramLabel = "DIR",
      description = "the core's root folder, also as -Droot=DIR (default: ~/.greengrass)")
  @Nullable Path root;

  @Option(
      names = {"-ar", "--aws-region"},
      paramLabel = "REGION",
      description = "Region of the cloud; needed with --provision")
  @Nullable String region;

  @Option(
      names = {"-p", "--provision"},
      arity = "0..1",
      fallbackValue = TRUE,
      paramLabel = "true|false",
      description = "make the core's thing, certificate, policy and role in the cloud")
  boolean provision;

  @Option(
      names = {"-tn", "--thing-name"},
      paramLabel = "NAME",
      description = "its thing (default: GreengrassV2IotThing_ and a random UUID)")
  @Nullable String thingName;

  @Option(
      names = {"-tgn", "--thing-group-name"},
      paramLabel = "NAME",
      description = "a group for the thing, made when it is not there")
  @Nullable String thingGroupName;

  @Option(
      names = {"-tpn", "--thing-policy-name"},
      paramLabel = "NAME",
      defaultValue = "GreengrassV2IoTThingPolicy",
      description = "IoT policy, made when it is not there (default: ${DEFAULT-VALUE})")
  String thingPolicyName = "";

  @Option(
      names = {"-trn", "--tes-role-name"},
      paramLabel = "NAME",
      defaultValue = "GreengrassV2TokenExchangeRole",
      description =
          "role of the core's temporary credentials, made when it is not there, with policy"
              + " <NAME>Access (default: ${DEFAULT-VALUE})")
  String tesRoleName = "";

  @Option(
      names = {"-tra", "--tes-role-alias-name"},
      paramLabel = "NAME",
      defaultValue = "GreengrassV2TokenExchangeRoleAlias",
      description = "alias of that role, made when it is not there (default: ${DEFAULT-VALUE})")
  String tesRoleAliasName = "";

  @Option(
      names = {"-ss", "--setup-system-service"},
      arity = "0..1",
      fallbackValue = TRUE,
      paramLabel = "true|false",
      description = "make the systemd service 'greengrass', start it, and start it at boot")
  boolean setupSystemService;

  @Option(
      names = {"-u", "--component-default-user"},
      paramLabel = "USER[:GROUP]",
      description =
          "whom components run as, names or numbers (default as root: what the configuration says,"
              + " else ggc_user:ggc_group, which is made; otherwise: yourself)")
  @Nullable String componentDefaultUser;

  @Option(
      names = {"-d", "--deploy-dev-tools"},
      arity = "0..1",
      fallbackValue = TRUE,
      paramLabel = "true|false",
      description = "deploy the command line, aws.greengrass.Cli; with --provision")
  boolean deployDevTools;

  @Option(
      names = {"-init", "--init-config"},
      paramLabel = "FILE",
      description = "REPLACES configuration and components of the folder by this configuration")
  @Nullable Path initConfig;

  @Option(
      names = {"-i", "--config"},
      paramLabel = "FILE",
      description = "put this configuration in place; components stay")
  @Nullable Path config;

  @Option(
      names = {"-tp", "--trusted-plugin"},
      paramLabel = "FILE",
      description =
          "provisioning plugin: a program, or a jar with a main class; copied to plugins/trusted")
  @Nullable Path trustedPlugin;

  @Option(
      names = {"-s", "--start"},
      arity = "1",
      paramLabel = "true|false",
      defaultValue = TRUE,
      description = "start the core afterwards (default: true)")
  boolean start;

  @Option(
      names = {"-es", "--env-stage"},
      paramLabel = "STAGE",
      defaultValue = "prod",
      description = "only prod: there are no test stages here")
  String envStage = "";

  @Option(
      names = "--cert-path",
      paramLabel = "DIR",
      description = "where certificate and key of --provision go (default: <root>/certs)")
  @Nullable Path certPath;

  @Option(
      names = "--cloud-endpoint",
      paramLabel = "URL",
      defaultValue = "${env:RYEGRASS_ENDPOINT}",
      description =
          "API of the cloud (default: $$RYEGRASS_ENDPOINT, then the cloud of --data; 'aws' means"
              + " AWS itself)")
  @Nullable String cloudEndpoint;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      defaultValue = "${env:RYEGRASS_DATA}",
      description = "data folder of a cloud on this machine (default: $$RYEGRASS_DATA)")
  @Nullable Path data;

  @Override
  public Integer call() {
    if (version) {
      System.out.println("AWS Greengrass v" + BuiltInComponents.NUCLEUS_VERSION);
      return 0;
    }
    check();
    return new Installation(this, System.out, System.err).run();
  }

  /** What can be said against the arguments before anything is done. */
  private void check() {
    noColon("Thing name", thingName);
    noColon("Thing group name", thingGroupName);
    if (!envStage.equals("prod")) {
      throw new CliException(
          "--env-stage "
              + envStage
              + " names a test stage of AWS's own service, which nobody else has; leave it out");
    }
    if (initConfig != null && config != null) {
      throw new CliException("give --init-config or --config, not both");
    }
    if (!provision) {
      for (Object[] o :
          new Object[][] {
            {"--thing-name", thingName},
            {"--thing-group-name", thingGroupName},
            {"--cert-path", certPath}
          }) {
        if (o[1] != null) {
          throw new CliException(
              o[0] + " says what to make in the cloud; add --provision true, or leave it out");
        }
      }
    } else if (region == null) {
      throw new CliException("--provision true needs --aws-region");
    }
  }

  private static void noColon(String what, @Nullable String name) {
    if (name != null && name.contains(":")) {
      throw new CliException(what + " cannot contain colon characters");
    }
  }

  /** The API's address as asked for; null for AWS itself or when only a data folder is known. */
  @Nullable URI endpoint() {
    if (cloudEndpoint == null || cloudEndpoint.isBlank() || cloudEndpoint.equals("aws")) {
      return null;
    }
    URI uri;
    try {
      uri = URI.create(cloudEndpoint);
    } catch (IllegalArgumentException e) {
      throw new CliException("--cloud-endpoint " + cloudEndpoint + " is no URL");
    }
    if (uri.getHost() == null
        || !("http".equals(uri.getScheme()) || "https".equals(uri.getScheme()))) {
      throw new CliException(
          "--cloud-endpoint "
              + cloudEndpoint
              + " is no http or https URL, such as http://host:9080");
    }
    return uri;
  }

  /** The installer of the contract is a jar, and takes some of its words as -D. */
  static List<String> translate(String[] args) {
    List<String> out = new ArrayList<>();
    for (String arg : args) {
      if (arg.startsWith("-Droot=")) {
        out.add("--root");
        out.add(arg.substring("-Droot=".length()));
      } else if (arg.startsWith("-Dlog.store=")) {
        if (!arg.endsWith("=FILE")) {
          throw new CliException(
              arg
                  + ": the installer keeps no log; where the core logs to is said by"
                  + " logging.outputType of aws.greengrass.Nucleus");
        }
      } else {
        out.add(arg);
      }
    }
    return out;
  }

  /** Exit codes: 0 done, 1 failed with one sentence on stderr, 2 wrong usage. */
  public static void main(String[] args) {
    System.exit(run(args));
  }

  static int run(String... args) {
    CommandLine command = new CommandLine(new InstallMain());
    command.setExecutionExceptionHandler(
        (e, line, result) -> {
          System.err.println("ryegrass install: " + sentence(e));
          return 1;
        });
    try {
      return command.execute(translate(args).toArray(String[]::new));
    } catch (CliException e) {
      System.err.println("ryegrass install: " + e.getMessage());
      return 2;
    }
  }

  private static String sentence(Exception e) throws Exception {
    return switch (e) {
      case CliException c -> String.valueOf(c.getMessage());
      case io.ryegrass.durable.DurableException d -> String.valueOf(d.getMessage());
      case AwsServiceException a ->
          "the cloud refused: "
              + a.awsErrorDetails().errorCode()
              + ", "
              + a.awsErrorDetails().errorMessage()
              + "; check the access key in AWS_ACCESS_KEY_ID and what it may do";
      case SdkClientException s ->
          "the cloud cannot be reached (" + s.getMessage() + "); is it running?";
      default -> throw e;
    };
  }
}
