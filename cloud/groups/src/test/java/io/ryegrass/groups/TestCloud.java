package io.ryegrass.groups;

import io.ryegrass.awsapi.ApiEngine;
import io.ryegrass.awsapi.ApiRequest;
import io.ryegrass.awsapi.ApiResponse;
import io.ryegrass.awssignature.AccessKey;
import io.ryegrass.awssignature.Credentials;
import io.ryegrass.awssignature.HttpRequestToSign;
import io.ryegrass.awssignature.SigV4Signer;
import io.ryegrass.awssignature.SigV4Verifier;
import io.ryegrass.events.Event;
import io.ryegrass.identity.CallerIdentity;
import io.ryegrass.identity.IdentityService;
import io.ryegrass.model.DeploymentDocument.ComponentUpdate;
import io.ryegrass.model.Recipe;
import io.ryegrass.objects.ObjectStore;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import io.ryegrass.store.testing.TestDatabase;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The groups service behind the real API engine on a real store; only the V2 side is replaced by a
 * list.
 */
final class TestCloud implements CoreDeployments, SoftwareUpdates.Jobs, AutoCloseable {
  static final JsonMapper JSON = JsonMapper.builder().build();
  private static final Credentials KEY = new Credentials("AKIDTEST", "secret", null);

  private static final CallerIdentity ROOT =
      new CallerIdentity(
          "000000000000", "arn:aws:iam::000000000000:root", "000000000000", true, null, null);

  record Sent(
      String deploymentId, String groupId, String core, Map<String, ComponentUpdate> components) {}

  record Answer(int status, String code, ObjectNode body) {
    String text(String member) {
      return body.path(member).asString("");
    }
  }

  record Job(String id, List<String> things, List<String> groups, ObjectNode document) {}

  final List<Job> jobs = new CopyOnWriteArrayList<>();
  final List<Event> events = new CopyOnWriteArrayList<>();
  final List<Sent> sent = new CopyOnWriteArrayList<>();
  final List<String> forgotten = new CopyOnWriteArrayList<>();
  final Map<String, Map<String, byte[]>> components = new HashMap<>();
  final Map<String, Standing> standings = new ConcurrentHashMap<>();
  final CloudStore store;
  final GroupsService service;
  final IdentityService identity;
  final ObjectStore objects;
  private final ApiEngine engine;
  private Listener listener;

  TestCloud(Path folder) {
    List<Migration> migrations = new ArrayList<>(IdentityService.migrations());
    migrations.addAll(GroupsService.migrations());
    store = TestDatabase.open(folder, migrations);
    identity = new IdentityService(store, "000000000000", Clock.systemUTC());
    objects = ObjectStore.open(folder.resolve("objects"), Clock.systemUTC());
    service =
        new GroupsService(
            store,
            this,
            GroupCompilerTest.HERE,
            new S3BulkSource(objects, identity, new GroupArns("us-east-1", "000000000000")),
            this,
            identity::assumeGroupRole,
            events::add,
            folder.resolve("groups"),
            "us-east-1",
            "000000000000",
            Clock.systemUTC());
    engine =
        new ApiEngine(
            List.of(service.greengrass(), identity.iam()),
            new SigV4Verifier(
                id -> Optional.of(new AccessKey(id, KEY.secretAccessKey(), null, null, ROOT)),
                Clock.systemUTC()),
            (context, action, input) -> {},
            "us-east-1",
            "000000000000");
  }

  /** One operation of IAM; members and values in turn. */
  void iam(String operation, String... members) {
    StringBuilder form = new StringBuilder("Version=2010-05-08&Action=" + operation);
    for (int i = 0; i < members.length; i += 2) {
      form.append('&').append(members[i]).append('=');
      form.append(URLEncoder.encode(members[i + 1], StandardCharsets.UTF_8));
    }
    ApiResponse response =
        send("iam", "application/x-www-form-urlencoded", "POST", "/", form.toString());
    if (response.status() != 200) {
      throw new IllegalStateException(new String(response.body(), StandardCharsets.UTF_8));
    }
  }

  /** Headers and values in turn; those without a value are left out. */
  Answer call(String method, String path, String body, String... headers) {
    ApiResponse response = send("greengrass", "application/json", method, path, body, headers);
    JsonNode json =
        response.body().length == 0 ? JSON.createObjectNode() : JSON.readTree(response.body());
    String code =
        response.headers().entrySet().stream()
            .filter(h -> h.getKey().equalsIgnoreCase("x-amzn-ErrorType"))
            .map(Map.Entry::getValue)
            .findFirst()
            .orElse("");
    return new Answer(response.status(), code, (ObjectNode) json);
  }

  private ApiResponse send(
      String service, String contentType, String method, String path, String body, String... more) {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    int question = path.indexOf('?');
    String rawPath = question < 0 ? path : path.substring(0, question);
    String query = question < 0 ? "" : path.substring(question + 1);
    Map<String, List<String>> headers = new HashMap<>();
    headers.put("host", List.of("localhost"));
    headers.put("content-type", List.of(contentType));
    for (int i = 0; i < more.length; i += 2) {
      if (!more[i + 1].isEmpty()) {
        headers.put(more[i], List.of(more[i + 1]));
      }
    }
    SigV4Signer.sign(
            KEY,
            "us-east-1",
            service,
            new HttpRequestToSign(method, rawPath, query, headers),
            bytes,
            Instant.now())
        .forEach((name, value) -> headers.put(name, List.of(value)));
    return engine.handle(new ApiRequest(method, rawPath, query, headers, bytes));
  }

  Answer get(String path) {
    return call("GET", "/greengrass" + path, "");
  }

  Answer post(String path, String body) {
    return call("POST", "/greengrass" + path, body);
  }

  void report(String deploymentId, String status, String cause) {
    listener.changed(deploymentId, status, JSON.createObjectNode().put("failureCause", cause));
  }

  /** The core's side commits a status, and the process dies before anybody is told. */
  void commitUntold(String deploymentId, String status, String cause) {
    standings.put(
        deploymentId, new Standing(status, JSON.createObjectNode().put("failureCause", cause)));
  }

  /** The process is killed and comes back: nothing is left of it but the store. */
  TestCloud killed(Path folder) {
    close();
    TestCloud again = new TestCloud(folder);
    again.standings.putAll(standings);
    return again;
  }

  /** The only thing is the-core, the only group of things is cores. */
  @Override
  public boolean thingExists(String thing) {
    return thing.equals("the-core");
  }

  @Override
  public boolean thingGroupExists(String group) {
    return group.equals("cores");
  }

  @Override
  public void create(String jobId, List<String> things, List<String> groups, ObjectNode document) {
    jobs.add(new Job(jobId, things, groups, document));
  }

  @Override
  public void putComponent(Recipe recipe, Map<String, byte[]> artifacts) {
    components.put(recipe.componentName() + " " + recipe.componentVersion().text(), artifacts);
  }

  @Override
  public void deploy(
      String deploymentId,
      String groupId,
      String coreThingName,
      Map<String, ComponentUpdate> roots) {
    sent.add(new Sent(deploymentId, groupId, coreThingName, roots));
  }

  @Override
  public void forget(String groupId, String coreThingName) {
    forgotten.add(coreThingName);
  }

  @Override
  public void onChanged(Listener told) {
    listener = told;
  }

  @Override
  public Optional<Standing> standing(String deploymentId) {
    return Optional.ofNullable(standings.get(deploymentId));
  }

  @Override
  public List<Address> addresses(String coreThingName) {
    return List.of(new Address("lan", "192.168.7.7", 8883, "near the door"));
  }

  @Override
  public void close() {
    service.close();
    objects.close();
    store.close();
  }
}
