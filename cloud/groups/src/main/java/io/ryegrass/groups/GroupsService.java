package io.ryegrass.groups;

import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.components.ComponentsService;
import io.ryegrass.events.EventSink;
import io.ryegrass.functions.FunctionService;
import io.ryegrass.identity.IdentityService;
import io.ryegrass.objects.ObjectStore;
import io.ryegrass.registry.DeviceRoute;
import io.ryegrass.registry.Registry;
import io.ryegrass.registry.job.JobService;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;

/**
 * Greengrass V1 of the cloud. Build it, hand its operations and routes out, then {@link #start()}
 * it.
 */
public final class GroupsService implements AutoCloseable {
  private final VersionedStore versions;
  private final DeploymentStore deployments;
  private final GroupAuthorities authorities;
  private final DeploymentBuilder builder;
  private final RoleOperations roles;
  private final DeploymentOperations operations;
  private final BulkStore bulks;
  private final BulkSource bulkSource;
  private final SoftwareUpdates.Jobs jobs;
  private final BulkRunner bulkRunner;
  private final ClientTokens tokens;
  private final GroupArns arns;
  private final GroupRoutes routes;
  private final ExplainApi explain;

  /**
   * @param registry asked for the targets of software updates
   * @param events told of deployments (NTF rows)
   * @param authorityFolder where the groups' certificate authorities keep their keys, {@code
   *     <data>/groups}
   */
  public GroupsService(
      CloudStore store,
      ComponentsService components,
      FunctionService functions,
      ObjectStore objects,
      IdentityService identity,
      Registry registry,
      JobService jobs,
      EventSink events,
      Path authorityFolder,
      String region,
      String accountId,
      Clock clock) {
    this(
        store,
        new V2CoreDeployments(components),
        new GroupSurroundings(functions::resolve, ComponentLookup.builtIn(), new S3Models(objects)),
        new S3BulkSource(objects, identity, new GroupArns(region, accountId)),
        new IotJobs(jobs, registry),
        identity::assumeGroupRole,
        events,
        authorityFolder,
        region,
        accountId,
        clock);
  }

  GroupsService(
      CloudStore store,
      CoreDeployments cores,
      GroupSurroundings surroundings,
      BulkSource bulkSource,
      SoftwareUpdates.Jobs jobs,
      GroupRoles groupRoles,
      EventSink events,
      Path authorityFolder,
      String region,
      String accountId,
      Clock clock) {
    this.arns = new GroupArns(region, accountId);
    this.versions = new VersionedStore(store, clock);
    this.deployments = new DeploymentStore(store, events, clock);
    this.authorities = new GroupAuthorities(store, authorityFolder, clock);
    this.builder =
        new DeploymentBuilder(deployments, new ContentsReader(versions), surroundings, cores);
    this.explain = new ExplainApi(new ContentsReader(versions), surroundings);
    this.roles = new RoleOperations(store, clock);
    this.operations = new DeploymentOperations(versions, deployments, builder, arns);
    this.bulks = new BulkStore(store, clock);
    this.tokens = new ClientTokens(store, clock);
    this.bulkSource = bulkSource;
    this.jobs = jobs;
    this.bulkRunner = new BulkRunner(bulks, deployments, bulkSource, deployer());
    this.routes = new GroupRoutes(deployments, authorities, cores, arns, roles, groupRoles);
  }

  public static List<Migration> migrations() {
    return List.of(
        VersionedStore.TABLES,
        GroupAuthorities.TABLES,
        DeploymentStore.TABLES,
        RoleOperations.TABLES,
        BulkStore.TABLES,
        ClientTokens.TABLES);
  }

  private BulkRunner.GroupDeployer deployer() {
    return new BulkRunner.GroupDeployer() {
      @Override
      public String deploy(String groupId, String groupVersion) {
        return operations.deploy(groupId, groupVersion);
      }

      @Override
      public void wake() {
        builder.wake();
      }
    };
  }

  /**
   * The V1 API. Connectivity information and the service role are served by V2, which has the same
   * routes.
   */
  public ServiceOperations greengrass() {
    Shapes shapes = new Shapes(arns);
    ServiceOperations.Builder all = ServiceOperations.of("greengrass");
    new DefinitionOperations(versions, shapes).addTo(all);
    new GroupOperations(versions, shapes, authorities, deployments).addTo(all);
    new AuthorityOperations(versions, authorities, arns).addTo(all);
    operations.addTo(all);
    new BulkOperations(bulks, deployments, bulkSource, bulkRunner, arns).addTo(all);
    new Tags(versions, bulks).addTo(all);
    roles.addTo(all);
    new SoftwareUpdates(jobs, bulkSource, arns).addTo(all);
    return all.build().around(tokens);
  }

  /** Our own operation that explains a group version. */
  public ServiceOperations explanations() {
    return explain.operations();
  }

  /** Discovery, and the certificate for a core's local broker. */
  public List<DeviceRoute> deviceRoutes() {
    return routes.routes();
  }

  /**
   * Starts to build deployments, those first that were waiting when the process ended; deployments
   * that were under way then are brought in line with what their cores have reported since.
   */
  public void start() {
    builder.start();
    bulkRunner.start();
  }

  /** Stops building; what is not built yet waits for the next start. */
  @Override
  public void close() {
    bulkRunner.close();
    builder.close();
  }
}
