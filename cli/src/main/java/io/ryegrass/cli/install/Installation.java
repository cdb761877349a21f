package io.ryegrass.cli.install;

import io.ryegrass.cli.CliException;
import io.ryegrass.cli.CloudAddress;
import io.ryegrass.cli.CoreConfiguration;
import io.ryegrass.cli.DeviceFolder;
import io.ryegrass.cli.HostUsers;
import io.ryegrass.cli.Provisioning;
import io.ryegrass.durable.DataFolderLock;
import io.ryegrass.model.BuiltInComponents;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;

/**
 * One installation: the steps in their order. Standard output has the contract's messages and
 * nothing else (INS-06); what else there is to say goes to standard error.
 */
final class Installation {
  private static final String GROUP_EXISTS =
      "Thing group exists, it could have existing deployment and devices, hence NOT creating"
          + " deployment for Greengrass first party dev tools, please manually create a deployment"
          + " if you wish to";

  private final InstallMain asked;
  private final PrintStream out;
  private final PrintStream notes;
  private final HostUsers users = new HostUsers();

  Installation(InstallMain asked, PrintStream out, PrintStream notes) {
    this.asked = asked;
    this.out = out;
    this.notes = notes;
  }

  /**
   * @return the exit code
   */
  int run() {
    CoreConfiguration given = given();
    RootFolder root = new RootFolder(folder(given));
    root.prepare(home());
    CoreConfiguration config;
    // nobody may start the core, or have it running, while what it is changes
    try (DataFolderLock lock = DataFolderLock.acquire(root.path().resolve("spool"))) {
      config = configuration(root, given);
      if (asked.trustedPlugin != null) {
        notes(root.addPlugin(asked.trustedPlugin));
      }
      defaultUser(config);
      if (asked.provision) {
        provision(root, config);
      } else if (asked.deployDevTools) {
        notes("--deploy-dev-tools works with --provision true only; nothing is deployed (PRV-06)");
      }
      commit(root, config);
    }
    Path loader = root.path().resolve("alts/current/distro/bin/loader");
    boolean service = false;
    if (asked.setupSystemService) {
      service = service(root, loader);
      if (!service) {
        return 0; // TRB-08: the installation is whole; the loader's name has been told
      }
    }
    if (!asked.start) {
      out.println("Nucleus start set to false, exiting...");
      return 0;
    }
    return service ? 0 : Foreground.run(loader);
  }

  private void notes(String text) {
    notes.println("ryegrass install: " + text);
  }

  private static Path home() {
    String home = System.getProperty("ryegrass.home");
    if (home == null) {
      throw new CliException("started without -Dryegrass.home; start it by './ryegrass install'");
    }
    return Path.of(home).toAbsolutePath();
  }

  /** The file of --init-config or --config; says nothing without one. */
  private CoreConfiguration given() {
    Path file = asked.initConfig != null ? asked.initConfig : asked.config;
    if (file == null) {
      return CoreConfiguration.empty();
    }
    try {
      return CoreConfiguration.parse(file, Files.readAllBytes(file));
    } catch (IOException e) {
      throw new CliException(
          "cannot read the configuration "
              + file
              + " ("
              + e.getClass().getSimpleName()
              + "); name a file");
    }
  }

  private Path folder(CoreConfiguration given) {
    Path root = asked.root;
    if (root == null) {
      String inFile = given.systemFile("rootpath");
      root =
          inFile.isBlank()
              ? Path.of(System.getProperty("user.home"), ".greengrass")
              : Path.of(inFile);
    }
    return root.toAbsolutePath().normalize();
  }

  private CoreConfiguration configuration(RootFolder root, CoreConfiguration given) {
    if (asked.initConfig == null && asked.config == null) {
      return CoreConfiguration.ofRoot(root.path());
    }
    String version = given.version();
    if (!version.isEmpty() && !version.equals(BuiltInComponents.NUCLEUS_VERSION)) {
      notes(
          "the configuration is for nucleus "
              + version
              + ", this one is "
              + BuiltInComponents.NUCLEUS_VERSION);
    }
    given.system().put("rootpath", root.path().toString());
    return given;
  }

  /** The folder becomes what was asked for; before this it is what it was. */
  private void commit(RootFolder root, CoreConfiguration config) {
    if (asked.initConfig != null) {
      root.forgetComponents();
    }
    config.write(root.path());
    root.letComponentsThrough(config.defaultUser());
  }

  /** INS-27, NUC-05. */
  private void defaultUser(CoreConfiguration config) {
    String user = asked.componentDefaultUser;
    if (user != null) {
      config.defaultUser(users.require(user));
    } else if (users.isRoot() && config.defaultUser().isEmpty()) {
      config.defaultUser(users.require(HostUsers.DEFAULT));
    }
  }

  private void provision(RootFolder root, CoreConfiguration config) {
    CloudAddress cloud = new CloudChoice(asked).find();
    notes("provisioning in " + cloud.name());
    String region = cloud.region();
    DeviceFolder files =
        asked.certPath == null
            ? new DeviceFolder(root.path())
            : new DeviceFolder(root.path(), asked.certPath);
    files.prepare();
    String thing = thing(config);
    boolean groupExisted = false;
    try (Provisioning p = new Provisioning(cloud)) {
      String thingArn = p.ensureThing(thing);
      String role = p.ensureRole(asked.tesRoleName);
      Provisioning.Alias alias = p.ensureAlias(asked.tesRoleAliasName, role);
      if (!alias.roleArn().equals(role)) {
        notes(
            "role alias "
                + asked.tesRoleAliasName
                + " stands for "
                + alias.roleArn()
                + ", not for "
                + role
                + "; it is used as it is");
      }
      String aliasPolicy = "GreengrassTESCertificatePolicy" + asked.tesRoleAliasName;
      p.ensurePolicy(asked.thingPolicyName, Provisioning.corePolicy());
      p.ensurePolicy(aliasPolicy, Provisioning.aliasPolicy(alias.arn()));
      List<String> policies = List.of(asked.thingPolicyName, aliasPolicy);
      if (!keepsCertificate(p, root, config, thing, policies)) {
        files.writeIdentity(p.createCertificate(thing, policies), cloud.rootCaPem());
        config.identity(
            root.path(), thing, files.certificate(), files.privateKey(), files.rootCa());
      }
      if (asked.thingGroupName != null) {
        groupExisted = p.joinGroup(thing, asked.thingGroupName);
      }
      config.cloud(cloud, asked.tesRoleAliasName);
      commit(root, config);
      out.println("Successfully configured Nucleus with provisioned resource details!");
      if (asked.deployDevTools) {
        devTools(p, thingArn, groupExisted, region);
      }
    }
  }

  /** PRV-03: a core that has its identity keeps it. */
  private static boolean keepsCertificate(
      Provisioning p,
      RootFolder root,
      CoreConfiguration config,
      String thing,
      List<String> policies) {
    return config.thingName().equals(thing)
        && root.certificateId(config)
            .filter(id -> p.reuseCertificate(id, thing, policies))
            .isPresent();
  }

  private String thing(CoreConfiguration config) {
    if (asked.thingName != null) {
      return asked.thingName;
    }
    return config.thingName().isBlank()
        ? "GreengrassV2IotThing_" + UUID.randomUUID()
        : config.thingName();
  }

  /** INS-28, TRB-10. */
  private void devTools(Provisioning p, String thingArn, boolean groupExisted, String region) {
    if (groupExisted) {
      out.println(GROUP_EXISTS);
      return;
    }
    String target = asked.thingGroupName == null ? thingArn : p.groupArn(asked.thingGroupName);
    if (p.deployCommandLine(target, region)) {
      out.println("Configured Nucleus to deploy aws.greengrass.Cli component");
    } else {
      notes(
          target
              + " has a deployment already, which stays as it is; add aws.greengrass.Cli to it if"
              + " you wish to");
    }
  }

  private boolean service(RootFolder root, Path loader) {
    String wrong = SystemService.ofHost(users.isRoot()).setUp(root.path(), asked.start);
    if (wrong.isEmpty()) {
      out.println("Successfully set up Nucleus as a system service");
      return true;
    }
    out.println("Unable to set up Nucleus as a system service");
    notes(wrong + "; the core is installed, start it with " + loader);
    return false;
  }
}
