package io.ryegrass.demo;

import java.util.List;

/** The nine steps, in order. What one step leaves for the next is kept in their shared fields. */
public final class Story {
  private final World world;
  private final Watcher watcher;
  private final ComponentSteps components;
  private final GroupSteps groups;
  private final OutageSteps outage;
  private final StrangerSteps strangers;

  public Story(World world) {
    this.world = world;
    this.watcher = new Watcher(world);
    this.components = new ComponentSteps(world, watcher);
    this.groups = new GroupSteps(world, watcher);
    this.outage = new OutageSteps(world, watcher, groups);
    this.strangers = new StrangerSteps(world, watcher, groups);
  }

  List<Teller.Step> steps() {
    return List.of(
        new Teller.Step("Cloud", this::cloud),
        new Teller.Step("A core is provisioned", this::provision),
        new Teller.Step("Core", this::core),
        new Teller.Step("V2: a component", components::deploy),
        new Teller.Step("A broken revision is rolled back", components::breakAndRollBack),
        new Teller.Step("V1: a group", groups::deploy),
        new Teller.Step("A client device", groups::talkToDevice),
        new Teller.Step("The cloud is killed", outage::surviveOutage),
        new Teller.Step("Strangers are refused", strangers::refuse));
  }

  /** What a cloud and a core do on an ordinary day, as far as this machine has the tools. */
  public List<Teller.Step> trainingSteps() {
    if (!world.aws().isInstalled()) {
      return List.of(
          new Teller.Step("Cloud", world::startCloud),
          new Teller.Step("A core is provisioned", this::makeCore),
          new Teller.Step("Core", world::startCore),
          new Teller.Step("Healthy", () -> components.awaitCoreStatus("HEALTHY")));
    }
    return List.of(
        new Teller.Step("Cloud", this::cloud),
        new Teller.Step("A core is provisioned", this::provision),
        new Teller.Step("Core", this::core),
        new Teller.Step("V2: a component", components::deploy),
        new Teller.Step("V1: a group", groups::deploy),
        new Teller.Step("A client device", groups::talkToDevice));
  }

  /**
   * Ways of a message from the client device through a function and back, one at a time, in
   * nanoseconds; after {@link #trainingSteps}.
   */
  public long[] roundTripsThroughFunction(int times) throws InterruptedException {
    return groups.shout(times);
  }

  /** From the deployment request to the component's RUNNING, as step 4 saw it. */
  public long deploymentMillis() {
    return components.deploymentMillis();
  }

  private String cloud() {
    String line = world.startCloud();
    String arn = world.aws().run("sts", "get-caller-identity").path("Arn").asString();
    return line.substring(line.indexOf("ready:") + 7) + ", the AWS CLI is " + arn;
  }

  private String makeCore() {
    return world.provision(
        "--thing",
        World.CORE,
        "--root",
        world.coreRoot().toString(),
        "--local-mqtt-port",
        "" + world.localMqttPort(),
        "--lambda-ipc-port",
        "" + world.lambdaIpcPort());
  }

  private String provision() {
    makeCore();
    String principal =
        world
            .aws()
            .run("iot", "list-thing-principals", "--thing-name", World.CORE)
            .path("principals")
            .path(0)
            .asString();
    if (!principal.contains(":cert/")) {
      throw new StepFailed("thing " + World.CORE + " has no certificate: " + principal);
    }
    return "thing "
        + World.CORE
        + " with certificate …"
        + principal.substring(principal.length() - 8);
  }

  private String core() {
    String line = world.startCore();
    String status = components.awaitCoreStatus("HEALTHY");
    watcher.connect();
    return line.substring(line.indexOf("ready:") + 7) + ", list-core-devices says " + status;
  }
}
