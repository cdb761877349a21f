package io.ryegrass.components;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.events.EventSink;
import io.ryegrass.identity.CallResource;
import io.ryegrass.identity.CallResources;
import io.ryegrass.model.Recipe;
import io.ryegrass.objects.ObjectStore;
import io.ryegrass.objects.ReadAccess;
import io.ryegrass.registry.DeviceMessage;
import io.ryegrass.registry.DeviceRoute;
import io.ryegrass.registry.DeviceTopicHandler;
import io.ryegrass.registry.Registry;
import io.ryegrass.registry.job.JobService;
import io.ryegrass.registry.shadow.ShadowService;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import java.net.URI;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/** The face of this module; see the package's description. Safe for many threads. */
public final class ComponentsService implements CallResources, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ComponentsService.class);

  private final CloudStore store;
  private final Catalogue catalogue;
  private final Artifacts artifacts;
  private final Tags tags;
  private final EffectiveDeployments effective;
  private final Deployments deployments;
  private final CoreDevices cores;
  private final Connectivity connectivity;
  private final ServiceRole serviceRole;
  private final ComponentOperations components;
  private final DeviceApi deviceApi;
  private final Telemetry telemetry;
  private final CorePresence presence;
  private final FleetApi fleetApi;
  private final CallTags callTags;

  /** As the other one, telling nobody of events and making no components of functions. */
  public ComponentsService(
      CloudStore store,
      Registry registry,
      ShadowService shadows,
      JobService jobs,
      ObjectStore objects,
      ReadAccess access,
      String region,
      String accountId,
      Clock clock,
      URI devicePresignBase) {
    this(
        store,
        registry,
        shadows,
        jobs,
        objects,
        access,
        LambdaFunctions.none(),
        EventSink.none(),
        region,
        accountId,
        clock,
        devicePresignBase);
  }

  /**
   * Builds the service and listens to shadows and jobs.
   *
   * @param store with {@link #migrations()} applied
   * @param objects where artifacts lie
   * @param access asked before an object becomes an artifact of a caller's component
   * @param functions of which components can be made
   * @param events told of deployments, components, telemetry and connections
   * @param devicePresignBase where devices reach the S3 API, for example {@code
   *     https://localhost:8443}; presigned URLs start with it
   */
  public ComponentsService(
      CloudStore store,
      Registry registry,
      ShadowService shadows,
      JobService jobs,
      ObjectStore objects,
      ReadAccess access,
      LambdaFunctions functions,
      EventSink events,
      String region,
      String accountId,
      Clock clock,
      URI devicePresignBase) {
    Arns arns = new Arns(region, accountId);
    Tokens tokens = new Tokens(store, clock);
    Pages pages = new Pages(store);
    FleetEvents fleetEvents = new FleetEvents(events, arns);
    this.store = store;
    this.catalogue = new Catalogue(store, arns, clock);
    this.artifacts = new Artifacts(objects, access, devicePresignBase, region);
    this.tags = new Tags(store, this::resourceExists);
    this.callTags = new CallTags(tags, arns);
    Conflicts conflicts = new Conflicts(store, registry, catalogue);
    this.effective = new EffectiveDeployments(store, arns, pages, conflicts, fleetEvents, clock);
    this.components =
        new ComponentOperations(
            store,
            catalogue,
            artifacts,
            new LambdaComponents(functions),
            tags,
            tokens,
            pages,
            arns);
    this.deployments =
        new Deployments(
            store,
            registry,
            shadows,
            jobs,
            effective,
            tags,
            tokens,
            arns,
            pages,
            conflicts,
            fleetEvents,
            clock,
            components::missing,
            artifacts::dropDocument);
    this.cores = new CoreDevices(store, registry, effective, tags, arns, pages, fleetEvents, clock);
    this.telemetry = new Telemetry(store, fleetEvents, clock);
    this.presence = new CorePresence(store, fleetEvents, clock);
    this.fleetApi = new FleetApi(store, telemetry, pages, clock);
    this.connectivity = new Connectivity(store, registry, shadows);
    this.serviceRole = new ServiceRole(store, arns, clock);
    this.deviceApi =
        new DeviceApi(components, deployments, connectivity, artifacts, registry, arns);
    shadows.onAccepted(
        (thing, name, document) -> {
          if (Deployments.SHADOW.equals(name)) {
            effective.shadowReported(thing, document);
          }
        });
    jobs.onExecutionChanged(effective::jobChanged);
    jobs.onCanceled(deployments::jobCanceled);
  }

  /** The tables of this module. */
  public static List<Migration> migrations() {
    return ComponentTables.migrations();
  }

  /** All operations of the service greengrassv2. */
  public ServiceOperations greengrassV2() {
    return ServiceOperations.of("greengrassv2")
        .json("AssociateServiceRoleToAccount", of(serviceRole::associate))
        .json("BatchAssociateClientDeviceWithCoreDevice", of(cores::associate))
        .json("BatchDisassociateClientDeviceFromCoreDevice", of(cores::disassociate))
        .json("CancelDeployment", of(deployments::cancel))
        .json("CreateComponentVersion", components::create)
        .json("CreateDeployment", of(deployments::create))
        .json("DeleteComponent", of(components::delete))
        .json("DeleteCoreDevice", of(cores::delete))
        .json("DeleteDeployment", of(deployments::delete))
        .json("DescribeComponent", of(components::describe))
        .json("DisassociateServiceRoleFromAccount", of(serviceRole::disassociate))
        .json("GetComponent", of(components::get))
        .json("GetComponentVersionArtifact", of(components::artifactUrl))
        .json("GetConnectivityInfo", of(connectivity::get))
        .json("GetCoreDevice", of(cores::get))
        .json("GetDeployment", of(deployments::get))
        .json("GetServiceRoleForAccount", of(serviceRole::get))
        .json("ListClientDevicesAssociatedWithCoreDevice", of(cores::listClients))
        .json("ListComponentVersions", of(components::listVersions))
        .json("ListComponents", of(components::list))
        .json("ListCoreDevices", of(cores::list))
        .json("ListDeployments", of(deployments::list))
        .json("ListEffectiveDeployments", of(this::listEffective))
        .json("ListInstalledComponents", of(cores::listInstalled))
        .json("ListTagsForResource", of(tags::list))
        .json("ResolveComponentCandidates", of(components::resolve))
        .json("TagResource", of(tags::tag))
        .json("UntagResource", of(tags::untag))
        .json("UpdateConnectivityInfo", of(connectivity::put))
        .build();
  }

  @Override
  public Optional<CallResource> find(CallContext call, String iamAction, ObjectNode input) {
    return callTags.find(iamAction, input);
  }

  /** Our own operations on the fleet, part of the service {@code ryegrass}. */
  public ServiceOperations fleet() {
    return fleetApi.operations();
  }

  private static BiFunction<CallContext, ObjectNode, ObjectNode> of(
      Function<ObjectNode, ObjectNode> operation) {
    return (context, input) -> operation.apply(input);
  }

  private ObjectNode listEffective(ObjectNode input) {
    cores.requireCore(input);
    return effective.list(input);
  }

  /** What devices call over HTTPS with their certificates. */
  public List<DeviceRoute> deviceRoutes() {
    return deviceApi.routes();
  }

  /** Takes the fleet status messages and the telemetry of devices. */
  public DeviceTopicHandler fleetStatus() {
    return new DeviceTopicHandler() {
      @Override
      public boolean accepts(String topic) {
        return cores.accepts(topic) || telemetry.accepts(topic);
      }

      @Override
      public void handle(DeviceMessage message) {
        (cores.accepts(message.topic()) ? cores : telemetry).handle(message);
      }
    };
  }

  /** Begins to keep who is connected; what a former process left open is ended. */
  public void start() {
    presence.start();
  }

  @Override
  public void close() {
    presence.close();
  }

  Telemetry telemetry() {
    return telemetry;
  }

  CorePresence presence() {
    return presence;
  }

  /**
   * An MQTT connection was made or ended. Never waits.
   *
   * @param things that the client's certificate is attached to
   * @param reason of the end, as in lifecycle events; empty for a connection
   * @param timestamp ms
   */
  public void connectionChanged(
      String clientId, Set<String> things, boolean connected, String reason, long timestamp) {
    presence.changed(clientId, things, connected, reason, timestamp);
  }

  /**
   * Registers a component version that the service itself needs, such as a Lambda function of a V1
   * group. The same content again changes nothing; other content under the same version replaces
   * it. The component is not listed, but can be described, resolved and downloaded.
   *
   * @param recipe artifacts of the form {@code greengrass:FILE}
   * @param files the artifacts' content by file name
   */
  public void putPrivateComponent(Recipe recipe, Map<String, byte[]> files) {
    Recipe complete = artifacts.store(recipe, files);
    store.write(
        sql -> {
          if (!catalogue.insert(complete, true)) {
            Recipe present =
                catalogue
                    .find(complete.componentName(), complete.componentVersion().text())
                    .map(Catalogue.Version::recipe)
                    .orElse(complete);
            if (!present.equals(complete)) {
              LOG.warn(
                  "component {} version {} gets other content under the same version",
                  complete.componentName(),
                  complete.componentVersion());
              catalogue.replaceRecipe(complete);
            }
          }
          return 0;
        });
  }

  /**
   * Sends a compiled V1 group to its core as an IoT job and remembers that the core belongs to the
   * group's pseudo group. An open deployment of the same group is cancelled first. Joins the
   * caller's transaction.
   */
  public void deployGroup(GroupDeployment deployment) {
    deployments.createForGroup(deployment);
  }

  /** Cancels a group's deployment if it is still open. */
  public void cancelGroupDeployment(String deploymentId) {
    deployments.find(deploymentId).filter(DeploymentRow::active).ifPresent(deployments::cancel);
  }

  /**
   * Ends a core's membership in a pseudo group: at its next deployment the core drops the group's
   * roots.
   */
  public void forgetGroup(String coreThingName, String groupKey) {
    store.write(
        sql ->
            sql.update(
                "DELETE FROM components_hidden_groups WHERE core = ? AND group_key = ?",
                coreThingName,
                groupKey));
  }

  /**
   * How far a group's deployment is, as last committed; empty when no such deployment was sent.
   * After a crash between a commit and the listeners' call this is the only one who knows.
   */
  public Optional<GroupDeploymentStatus> groupDeployment(String deploymentId) {
    return deployments
        .find(deploymentId)
        .filter(row -> row.kind() == DeploymentRow.Kind.V1_GROUP)
        .map(effective::ofGroup);
  }

  /** Tells how group deployments go on; called after the commit. */
  public void onGroupDeploymentChanged(GroupDeploymentListener listener) {
    effective.onGroupDeploymentChanged(listener);
  }

  /** Where client devices reach a core. */
  public ConnectivityInfo connectivityOf(String thing) {
    return connectivity.of(thing);
  }

  /** Sets where client devices reach a core, and tells the core. */
  public ConnectivityInfo updateConnectivity(String thing, List<ConnectivityInfo.Entry> entries) {
    return connectivity.update(thing, entries);
  }

  /** Client devices associated with a core by the V2 API. */
  public List<String> clientDevicesOf(String core) {
    return cores.clientDevicesOf(core);
  }

  /** Cores that a client device is associated with by the V2 API. */
  public List<String> coresOfClientDevice(String thing) {
    return cores.coresOf(thing);
  }

  /**
   * Tags of a component version, deployment or core device. The tag routes of V1 and V2 are the
   * same on the wire, so whoever answers them for both asks here for ARNs of V2.
   *
   * @throws io.ryegrass.awsapi.AwsException ResourceNotFoundException
   */
  public Map<String, String> tagsOf(String resourceArn) {
    return Json.texts(tags.list(Json.object().put("resourceArn", resourceArn)).get("tags"));
  }

  /** Sets tags, as {@link #tagsOf}. */
  public void tag(String resourceArn, Map<String, String> values) {
    ObjectNode input = Json.object().put("resourceArn", resourceArn);
    ObjectNode given = input.putObject("tags");
    values.forEach(given::put);
    tags.tag(input);
  }

  /** Removes tags, as {@link #tagsOf}. */
  public void untag(String resourceArn, List<String> keys) {
    ObjectNode input = Json.object().put("resourceArn", resourceArn);
    keys.forEach(input.putArray("tagKeys")::add);
    tags.untag(input);
  }

  private boolean resourceExists(String arn) {
    String resource =
        io.ryegrass.model.Arn.isArn(arn) ? io.ryegrass.model.Arn.parse(arn).resource() : "";
    if (resource.startsWith("components:")) {
      return components.exists(arn);
    }
    if (resource.startsWith("deployments:")) {
      return deployments.find(resource.substring("deployments:".length())).isPresent();
    }
    return resource.startsWith("coreDevices:")
        && cores.exists(resource.substring("coreDevices:".length()));
  }
}
