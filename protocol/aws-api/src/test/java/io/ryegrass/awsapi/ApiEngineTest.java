package io.ryegrass.awsapi;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import io.ryegrass.awssignature.AccessKey;
import io.ryegrass.awssignature.Credentials;
import io.ryegrass.awssignature.HttpRequestToSign;
import io.ryegrass.awssignature.SigV4Signer;
import io.ryegrass.awssignature.SigV4Verifier;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Clock;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.client.builder.AwsClientBuilder;
import software.amazon.awssdk.awscore.client.builder.AwsSyncClientBuilder;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.core.retry.RetryMode;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.greengrass.GreengrassClient;
import software.amazon.awssdk.services.greengrass.model.CreateGroupRequest;
import software.amazon.awssdk.services.greengrass.model.CreateGroupResponse;
import software.amazon.awssdk.services.greengrass.model.GreengrassException;
import software.amazon.awssdk.services.greengrass.model.GroupVersion;
import software.amazon.awssdk.services.greengrassv2.GreengrassV2Client;
import software.amazon.awssdk.services.greengrassv2.model.GetComponentRequest;
import software.amazon.awssdk.services.greengrassv2.model.GetComponentResponse;
import software.amazon.awssdk.services.greengrassv2.model.GetComponentVersionArtifactRequest;
import software.amazon.awssdk.services.greengrassv2.model.GetComponentVersionArtifactResponse;
import software.amazon.awssdk.services.greengrassv2.model.ListComponentsRequest;
import software.amazon.awssdk.services.greengrassv2.model.ListComponentsResponse;
import software.amazon.awssdk.services.greengrassv2.model.ResourceNotFoundException;
import software.amazon.awssdk.services.greengrassv2.model.ValidationException;
import software.amazon.awssdk.services.iam.IamClient;
import software.amazon.awssdk.services.iam.model.CreateRoleRequest;
import software.amazon.awssdk.services.iam.model.CreateRoleResponse;
import software.amazon.awssdk.services.iam.model.NoSuchEntityException;
import software.amazon.awssdk.services.iam.model.Role;
import software.amazon.awssdk.services.iam.model.Tag;
import software.amazon.awssdk.services.iot.IotClient;
import software.amazon.awssdk.services.iot.model.CreateThingRequest;
import software.amazon.awssdk.services.iot.model.CreateThingResponse;
import software.amazon.awssdk.services.iot.model.InvalidRequestException;
import software.amazon.awssdk.services.iot.model.ResourceAlreadyExistsException;
import software.amazon.awssdk.services.iotdataplane.IotDataPlaneClient;
import software.amazon.awssdk.services.lambda.LambdaClient;
import software.amazon.awssdk.services.lambda.model.InvokeRequest;
import software.amazon.awssdk.services.lambda.model.InvokeResponse;
import software.amazon.awssdk.services.sts.StsClient;
import software.amazon.awssdk.services.sts.model.GetCallerIdentityRequest;
import software.amazon.awssdk.services.sts.model.GetCallerIdentityResponse;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Round trips with AWS's own Java clients over a socket. */
class ApiEngineTest {

  private static final Clock CLOCK = Clock.systemUTC();
  private static final AccessKey KEY =
      new AccessKey("AKID", "secret", null, null, "arn:aws:iam::000000000000:root");
  private static final String RECIPE_ARN =
      "arn:aws:greengrass:us-east-1:000000000000:components:com.example.A:versions:1.0.0";
  private static final AtomicReference<ObjectNode> LAST_INPUT = new AtomicReference<>();

  private static final ApiEngine ENGINE =
      new ApiEngine(
          List.of(
              ServiceOperations.of("greengrass")
                  .typed("CreateGroup", CreateGroupRequest::builder, ApiEngineTest::createGroup)
                  .json("GetGroup", (c, in) -> notFoundInV1(in))
                  .json("ListTagsForResource", (c, in) -> tags("v1"))
                  .build(),
              ServiceOperations.of("greengrassv2")
                  .typed("GetComponent", GetComponentRequest::builder, ApiEngineTest::getComponent)
                  .typed(
                      "ListComponents",
                      ListComponentsRequest::builder,
                      ApiEngineTest::listComponents)
                  .typed(
                      "GetComponentVersionArtifact",
                      GetComponentVersionArtifactRequest::builder,
                      (c, in) ->
                          GetComponentVersionArtifactResponse.builder()
                              .preSignedUrl("http://x/" + in.artifactName())
                              .build())
                  .json("ListTagsForResource", (c, in) -> tags("v2"))
                  .json("CreateDeployment", ApiEngineTest::echo)
                  .build(),
              ServiceOperations.of("iot")
                  .typed("CreateThing", CreateThingRequest::builder, ApiEngineTest::createThing)
                  .build(),
              ServiceOperations.of("iot").json("DescribeThing", (c, in) -> explode()).build(),
              ServiceOperations.of("iotdata").json("Publish", ApiEngineTest::echo).build(),
              ServiceOperations.of("lambda")
                  .typed("Invoke", InvokeRequest::builder, ApiEngineTest::invoke)
                  .build(),
              ServiceOperations.of("iam")
                  .typed("CreateRole", CreateRoleRequest::builder, ApiEngineTest::createRole)
                  .json(
                      "GetRole",
                      (c, in) -> {
                        throw NoSuchEntityException.builder().message("no role <x> & y").build();
                      })
                  .build(),
              ServiceOperations.of("secretsmanager")
                  .json("GetSecretValue", (c, in) -> notFoundInV1(in))
                  .build(),
              ServiceOperations.of("sts")
                  .typed(
                      "GetCallerIdentity",
                      GetCallerIdentityRequest::builder,
                      (c, in) ->
                          GetCallerIdentityResponse.builder()
                              .account(c.accountId())
                              .arn(c.principalArn())
                              .userId("u")
                              .build())
                  .build()),
          new SigV4Verifier(id -> id.equals("AKID") ? Optional.of(KEY) : Optional.empty(), CLOCK),
          (context, action, input) -> {
            if (input.path("thingName").asString("").equals("forbidden")) {
              throw new AwsException("AccessDeniedException", 403, "may not " + action);
            }
          },
          "us-east-1",
          "000000000000");

  private static HttpServer server;

  @BeforeAll
  static void serve() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          Map<String, List<String>> headers = new HashMap<>();
          exchange
              .getRequestHeaders()
              .forEach((name, values) -> headers.put(name.toLowerCase(Locale.ROOT), values));
          URI uri = exchange.getRequestURI();
          ApiResponse response =
              ENGINE.handle(
                  new ApiRequest(
                      exchange.getRequestMethod(),
                      uri.getRawPath(),
                      uri.getRawQuery() == null ? "" : uri.getRawQuery(),
                      headers,
                      exchange.getRequestBody().readAllBytes()));
          response.headers().forEach(exchange.getResponseHeaders()::set);
          exchange.sendResponseHeaders(
              response.status(), response.body().length == 0 ? -1 : response.body().length);
          if (response.body().length > 0) {
            exchange.getResponseBody().write(response.body());
          }
          exchange.close();
        });
    server.start();
  }

  @AfterAll
  static void stop() {
    server.stop(0);
  }

  private static <B extends AwsSyncClientBuilder<B, C> & AwsClientBuilder<B, C>, C> C client(
      B builder, String secret) {
    return builder
        .endpointOverride(URI.create("http://127.0.0.1:" + server.getAddress().getPort()))
        .region(Region.US_EAST_1)
        .credentialsProvider(
            StaticCredentialsProvider.create(AwsBasicCredentials.create("AKID", secret)))
        .overrideConfiguration(
            c -> c.retryStrategy(RetryMode.STANDARD).retryStrategy(b -> b.maxAttempts(1)))
        .httpClient(UrlConnectionHttpClient.create())
        .build();
  }

  private static <B extends AwsSyncClientBuilder<B, C> & AwsClientBuilder<B, C>, C> C client(
      B builder) {
    return client(builder, "secret");
  }

  private static CreateGroupResponse createGroup(CallContext context, CreateGroupRequest in) {
    GroupVersion initial = in.initialVersion();
    return CreateGroupResponse.builder()
        .name(in.name())
        .id("g1")
        .latestVersion(initial == null ? null : initial.coreDefinitionVersionArn())
        .build();
  }

  private static ObjectNode notFoundInV1(ObjectNode in) {
    throw new AwsException("IdNotFoundException", 404, "That ID does not exist: " + in);
  }

  private static ObjectNode tags(String which) {
    ObjectNode out = JsonNodeFactory.instance.objectNode();
    out.putObject("tags").put("from", which);
    return out;
  }

  private static ObjectNode echo(CallContext context, ObjectNode in) {
    LAST_INPUT.set(in);
    return JsonNodeFactory.instance.objectNode();
  }

  private static ObjectNode explode() {
    throw new IllegalStateException("boom");
  }

  private static GetComponentResponse getComponent(CallContext context, GetComponentRequest in) {
    if (!in.arn().equals(RECIPE_ARN)) {
      throw ResourceNotFoundException.builder()
          .message("no component " + in.arn())
          .resourceId(in.arn())
          .resourceType("component")
          .build();
    }
    return GetComponentResponse.builder()
        .recipe(SdkBytes.fromUtf8String("---\nrecipe"))
        .recipeOutputFormat(in.recipeOutputFormat())
        .build();
  }

  private static ListComponentsResponse listComponents(
      CallContext context, ListComponentsRequest in) {
    int page = in.nextToken() == null ? 1 : Integer.parseInt(in.nextToken());
    return ListComponentsResponse.builder()
        .components(
            c ->
                c.componentName("c" + page)
                    .latestVersion(
                        v -> v.creationTimestamp(Instant.ofEpochMilli(1_763_700_000_123L))))
        .nextToken(page < in.maxResults() ? String.valueOf(page + 1) : null)
        .build();
  }

  private static CreateThingResponse createThing(CallContext context, CreateThingRequest in) {
    if (in.thingName().equals("twice")) {
      throw ResourceAlreadyExistsException.builder()
          .message("Thing twice already exists")
          .resourceArn("arn:x")
          .build();
    }
    return CreateThingResponse.builder()
        .thingName(in.thingName())
        .thingId(String.valueOf(in.attributePayload().attributes()))
        .build();
  }

  private static InvokeResponse invoke(CallContext context, InvokeRequest in) {
    return InvokeResponse.builder()
        .statusCode(202)
        .functionError("Unhandled")
        .payload(SdkBytes.fromUtf8String(in.functionName() + in.payload().asUtf8String()))
        .build();
  }

  private static CreateRoleResponse createRole(CallContext context, CreateRoleRequest in) {
    return CreateRoleResponse.builder()
        .role(
            Role.builder()
                .roleName(in.roleName())
                .path("/")
                .roleId("r")
                .arn("arn:aws:iam::0:role/" + in.roleName())
                .createDate(Instant.ofEpochSecond(1_763_700_000))
                .assumeRolePolicyDocument(in.assumeRolePolicyDocument())
                .tags(in.tags())
                .build())
        .build();
  }

  @Test
  void restJsonCarriesNestedMembersBlobsTimestampsAndPages() {
    GreengrassClient v1 = client(GreengrassClient.builder());
    CreateGroupResponse group =
        v1.createGroup(
            b -> b.name("g").initialVersion(v -> v.coreDefinitionVersionArn("arn:core")));
    assertThat(group.name()).isEqualTo("g");
    assertThat(group.latestVersion()).isEqualTo("arn:core");

    GreengrassV2Client v2 = client(GreengrassV2Client.builder());
    assertThat(v2.getComponent(b -> b.arn(RECIPE_ARN).recipeOutputFormat("YAML")).recipe())
        .isEqualTo(SdkBytes.fromUtf8String("---\nrecipe"));
    assertThat(
            v2.listComponentsPaginator(b -> b.maxResults(3)).components().stream()
                .map(c -> c.componentName() + c.latestVersion().creationTimestamp().toEpochMilli()))
        .containsExactly("c11763700000123", "c21763700000123", "c31763700000123");
    assertThat(
            v2.getComponentVersionArtifact(b -> b.arn(RECIPE_ARN).artifactName("a/b c.zip"))
                .preSignedUrl())
        .isEqualTo("http://x/a/b c.zip");
  }

  @Test
  void restJsonCarriesHeadersStatusAndBarePayloads() {
    InvokeResponse answer =
        client(LambdaClient.builder())
            .invoke(
                b ->
                    b.functionName("arn:aws:lambda:us-east-1:000000000000:function:f")
                        .payload(SdkBytes.fromUtf8String("{}")));
    assertThat(answer.statusCode()).isEqualTo(202);
    assertThat(answer.functionError()).isEqualTo("Unhandled");
    assertThat(answer.payload().asUtf8String()).endsWith(":f{}");

    client(IotDataPlaneClient.builder())
        .publish(
            b ->
                b.topic("a/b+c")
                    .qos(1)
                    .retain(true)
                    .userProperties("[{\"k\":\"v\"}]")
                    .payload(SdkBytes.fromUtf8String("hello")));
    ObjectNode in = LAST_INPUT.get();
    assertThat(in.path("topic").asString()).isEqualTo("a/b+c");
    assertThat(in.path("qos").asInt()).isEqualTo(1);
    assertThat(in.path("retain").asBoolean()).isTrue();
    assertThat(in.path("payload").asString()).isEqualTo("aGVsbG8=");
    assertThat(in.path("userProperties").asString()).contains("\"k\"");
  }

  @Test
  void queryServicesTalkXml() {
    assertThat(client(StsClient.builder()).getCallerIdentity().arn())
        .isEqualTo("arn:aws:iam::000000000000:root");
    IamClient iam = client(IamClient.builder());
    Role role =
        iam.createRole(
                b ->
                    b.roleName("r")
                        .assumeRolePolicyDocument("{\"a\": \"<&>\"}")
                        .tags(
                            Tag.builder().key("k1").value("v1").build(),
                            Tag.builder().key("k2").value("").build()))
            .role();
    assertThat(role.tags()).extracting(Tag::key).containsExactly("k1", "k2");
    assertThat(role.assumeRolePolicyDocument()).isEqualTo("{\"a\": \"<&>\"}");
    assertThat(role.createDate()).isEqualTo(Instant.ofEpochSecond(1_763_700_000));
    assertThatThrownBy(() -> iam.getRole(b -> b.roleName("x")))
        .isInstanceOfSatisfying(
            NoSuchEntityException.class,
            e -> {
              assertThat(e.statusCode()).isEqualTo(404);
              assertThat(e.awsErrorDetails().errorCode()).isEqualTo("NoSuchEntity");
              assertThat(e.awsErrorDetails().errorMessage()).isEqualTo("no role <x> & y");
            });
  }

  @Test
  void modelledErrorsArriveAsTheClientsTypedExceptions() {
    GreengrassV2Client v2 = client(GreengrassV2Client.builder());
    assertThatThrownBy(() -> v2.getComponent(b -> b.arn(RECIPE_ARN.replace("1.0.0", "2.0.0"))))
        .isInstanceOfSatisfying(
            ResourceNotFoundException.class,
            e -> {
              assertThat(e.statusCode()).isEqualTo(404);
              assertThat(e.resourceType()).isEqualTo("component");
            });
    IotClient iot = client(IotClient.builder());
    assertThatThrownBy(() -> iot.createThing(b -> b.thingName("twice").attributePayload(a -> {})))
        .isInstanceOfSatisfying(
            ResourceAlreadyExistsException.class,
            e -> {
              assertThat(e.statusCode()).isEqualTo(409);
              assertThat(e.resourceArn()).isEqualTo("arn:x");
              assertThat(e.awsErrorDetails().errorMessage())
                  .isEqualTo("Thing twice already exists");
            });
  }

  @Test
  void unmodelledErrorsKeepTheirCodeAndStatus() {
    GreengrassClient v1 = client(GreengrassClient.builder());
    assertThatThrownBy(() -> v1.getGroup(b -> b.groupId("none")))
        .isInstanceOfSatisfying(
            GreengrassException.class,
            e -> {
              assertThat(e.awsErrorDetails().errorCode()).isEqualTo("IdNotFoundException");
              assertThat(e.statusCode()).isEqualTo(404);
            });
  }

  @Test
  void inputThatBreaksTheModelsConstraintsIsRefusedInTheWordingOfAws() {
    GreengrassV2Client v2 = client(GreengrassV2Client.builder());
    assertThatThrownBy(() -> v2.getComponent(b -> b.arn("not an arn")))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining(
            "1 validation error detected: Value 'not an arn' at 'arn' failed to satisfy"
                + " constraint: Member must satisfy regular expression pattern: ");
    IotClient iot = client(IotClient.builder());
    assertThatThrownBy(() -> iot.createThing(b -> b.thingName("x".repeat(129))))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining(
            "at 'thingName' failed to satisfy constraint: Member must have length less than or"
                + " equal to 128");
    assertThatThrownBy(
            () ->
                v2.createDeployment(
                    b ->
                        b.targetArn("arn:aws:iot:us-east-1:000000000000:thing/t")
                            .deploymentPolicies(p -> p.failureHandlingPolicy("PERHAPS"))))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining(
            "Value 'PERHAPS' at 'deploymentPolicies.failureHandlingPolicy' failed to satisfy"
                + " constraint: Member must satisfy enum value set: [ROLLBACK, DO_NOTHING]");
  }

  @Test
  void permissionIsAskedAfterValidation() {
    IotClient iot = client(IotClient.builder());
    assertThatThrownBy(
            () -> iot.createThing(b -> b.thingName("forbidden").attributePayload(a -> {})))
        .isInstanceOfSatisfying(
            AwsServiceException.class,
            e -> {
              assertThat(e.statusCode()).isEqualTo(403);
              assertThat(e.awsErrorDetails().errorMessage()).isEqualTo("may not iot:CreateThing");
            });
  }

  @Test
  void aWrongKeyIsRefusedInTheProtocolOfTheRequest() {
    assertThatThrownBy(() -> client(IotClient.builder(), "wrong").listThings())
        .isInstanceOfSatisfying(
            AwsServiceException.class,
            e -> {
              assertThat(e.statusCode()).isEqualTo(403);
              assertThat(e.awsErrorDetails().errorCode()).isEqualTo("InvalidSignatureException");
            });
    assertThatThrownBy(() -> client(StsClient.builder(), "wrong").getCallerIdentity())
        .isInstanceOfSatisfying(
            AwsServiceException.class,
            e -> assertThat(e.awsErrorDetails().errorCode()).isEqualTo("SignatureDoesNotMatch"));
    ApiResponse unsigned =
        ENGINE.handle(
            new ApiRequest("GET", "/things", "", Map.of("host", List.of("x")), new byte[0]));
    assertThat(unsigned.status()).isEqualTo(403);
    assertThat(unsigned.headers())
        .containsEntry("x-amzn-ErrorType", "MissingAuthenticationTokenException");
  }

  @Test
  void operationsThatTheModelKnowsButNobodyServesAreAnswered501() {
    assertThatThrownBy(() -> client(IotClient.builder()).listThings())
        .isInstanceOfSatisfying(
            AwsServiceException.class,
            e -> {
              assertThat(e.statusCode()).isEqualTo(501);
              assertThat(e.awsErrorDetails().errorMessage())
                  .isEqualTo("Ryegrass does not serve iot ListThings.");
            });
  }

  @Test
  void aServiceThatIsKnownButNotRegisteredIsAnswered501Too() {
    ApiResponse answer = signed("GET", "/things/t/jobs", "iot-jobs-data", Map.of(), "");
    assertThat(answer.status()).isEqualTo(501);
    assertThat(body(answer).path("message").asString()).contains("GetPendingJobExecutions");
    assertThat(signed("GET", "/x", "dynamodb", Map.of(), "").status()).isEqualTo(404);
  }

  @Test
  void whatTheModelDoesNotKnowGetsTheErrorOfItsProtocol() {
    assertThat(signed("GET", "/no/such/path", "iot", Map.of(), ""))
        .satisfies(
            r -> {
              assertThat(r.status()).isEqualTo(404);
              assertThat(r.headers())
                  .containsEntry("x-amzn-ErrorType", "UnknownOperationException");
            });
    ApiResponse json =
        signed(
            "POST", "/", "secretsmanager", Map.of("x-amz-target", "secretsmanager.Nothing"), "{}");
    assertThat(json.status()).isEqualTo(400);
    assertThat(body(json).path("__type").asString()).isEqualTo("UnknownOperationException");
    ApiResponse query =
        signed(
            "POST",
            "/",
            "sts",
            Map.of("content-type", "application/x-www-form-urlencoded"),
            "Action=Nothing&Version=2011-06-15");
    assertThat(query.status()).isEqualTo(400);
    assertThat(new String(query.body(), UTF_8)).contains("<Code>InvalidAction</Code>");
  }

  @Test
  void awsJsonErrorsStandInTheBody() {
    ApiResponse answer =
        signed(
            "POST",
            "/",
            "secretsmanager",
            Map.of("x-amz-target", "secretsmanager.GetSecretValue"),
            "{\"SecretId\":\"s\"}");
    assertThat(answer.status()).isEqualTo(404);
    assertThat(body(answer).path("__type").asString()).isEqualTo("IdNotFoundException");
    assertThat(answer.headers()).containsEntry("Content-Type", "application/x-amz-json-1.1");
  }

  @Test
  void brokenJsonAndWrongTypesAreSerializationErrors() {
    for (String broken : List.of("{", "[]", "{\"Name\":3}", "{\"InitialVersion\":\"x\"}")) {
      ApiResponse answer = signed("POST", "/greengrass/groups", "greengrass", Map.of(), broken);
      assertThat(answer.status()).isEqualTo(400);
      assertThat(answer.headers()).containsEntry("x-amzn-ErrorType", "SerializationException");
    }
  }

  @Test
  void aBodyOfCountlessTinyValuesIsRefusedBeforeItFillsTheHeap() {
    String tiny = "{\"InitialVersion\":{\"x\":[" + "[],".repeat(200_000) + "1]}}";
    ApiResponse answer = signed("POST", "/greengrass/groups", "greengrass", Map.of(), tiny);
    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.headers()).containsEntry("x-amzn-ErrorType", "SerializationException");
  }

  @Test
  void tagsAreAnsweredByTheDialectOfTheArn() {
    assertThat(
            client(GreengrassClient.builder())
                .listTagsForResource(
                    b -> b.resourceArn("arn:aws:greengrass:us-east-1:0:/greengrass/groups/g"))
                .tags())
        .containsEntry("from", "v1");
    assertThat(
            client(GreengrassV2Client.builder())
                .listTagsForResource(b -> b.resourceArn(RECIPE_ARN))
                .tags())
        .containsEntry("from", "v2");
  }

  @Test
  void olderClientsSignIotByItsFormerName() {
    ApiResponse answer = signed("GET", "/things/t", "execute-api", Map.of(), "");
    assertThat(body(answer).path("message").asString()).contains("iot:DescribeThing");
  }

  @Test
  void aTrailingSlashMakesNoDifference() {
    assertThat(
            signed("POST", "/greengrass/groups/", "greengrass", Map.of(), "{\"Name\":\"g\"}")
                .status())
        .isEqualTo(201);
  }

  @Test
  void aHandlerThatFailsIsAnInternalFailureWithTheRequestsId() {
    ApiResponse answer = signed("GET", "/things/t", "iot", Map.of(), "");
    assertThat(answer.status()).isEqualTo(500);
    assertThat(body(answer).path("message").asString())
        .contains("iot:DescribeThing", "boom", answer.headers().get("x-amzn-RequestId"));
  }

  @Test
  void everyModelOfTheListCanBeRead() {
    for (String service : Services.names()) {
      ServiceModel model = ModelReader.read(service);
      assertThat(model.operations()).isNotEmpty();
      assertThat(model.signingName()).isEqualTo(Services.of(service).signingName());
    }
  }

  private static JsonNode body(ApiResponse response) {
    return Trees.JSON.readTree(response.body());
  }

  private static ApiResponse signed(
      String method, String path, String service, Map<String, String> headers, String body) {
    Map<String, List<String>> all = new HashMap<>();
    all.put("host", List.of("localhost"));
    headers.forEach((name, value) -> all.put(name, List.of(value)));
    byte[] bytes = body.getBytes(UTF_8);
    SigV4Signer.sign(
            new Credentials("AKID", "secret", null),
            "us-east-1",
            service,
            new HttpRequestToSign(method, path, "", Map.copyOf(all)),
            bytes,
            CLOCK.instant())
        .forEach((name, value) -> all.put(name, List.of(value)));
    return ENGINE.handle(new ApiRequest(method, path, "", all, bytes));
  }
}
