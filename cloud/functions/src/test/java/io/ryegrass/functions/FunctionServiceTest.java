package io.ryegrass.functions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.awsapi.ApiEngine;
import io.ryegrass.awsapi.testing.EngineServer;
import io.ryegrass.awssignature.AccessKey;
import io.ryegrass.awssignature.SigV4Verifier;
import io.ryegrass.objects.ObjectStore;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.testing.OnBothDatabases;
import io.ryegrass.store.testing.TestDatabase;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.lambda.LambdaClient;
import software.amazon.awssdk.services.lambda.model.CreateFunctionResponse;
import software.amazon.awssdk.services.lambda.model.FunctionConfiguration;
import software.amazon.awssdk.services.lambda.model.InvalidParameterValueException;
import software.amazon.awssdk.services.lambda.model.LambdaException;
import software.amazon.awssdk.services.lambda.model.PreconditionFailedException;
import software.amazon.awssdk.services.lambda.model.PublishVersionResponse;
import software.amazon.awssdk.services.lambda.model.ResourceConflictException;
import software.amazon.awssdk.services.lambda.model.ResourceNotFoundException;
import software.amazon.awssdk.services.lambda.model.State;

/** The Lambda API as AWS's own Java client sees it. */
@OnBothDatabases
class FunctionServiceTest {
  private static final String ROLE = "arn:aws:iam::000000000000:role/anything";
  private static final String ARN = "arn:aws:lambda:us-east-1:000000000000:function:hello";
  private static final AccessKey KEY = new AccessKey("AKID", "secret", null, null, "root");

  @TempDir Path folder;
  private CloudStore store;
  private ObjectStore objects;
  private FunctionService service;
  private EngineServer http;
  private LambdaClient client;

  @BeforeEach
  void start() throws IOException {
    store = TestDatabase.open(folder, FunctionService.migrations());
    objects = ObjectStore.open(folder.resolve("objects"), Clock.systemUTC());
    service =
        new FunctionService(
            store,
            objects,
            (who, bucket, key) -> !key.startsWith("foreign"),
            "us-east-1",
            "000000000000",
            Clock.systemUTC(),
            URI.create("http://127.0.0.1:9080"));
    ApiEngine engine =
        new ApiEngine(
            List.of(service.lambda()),
            new SigV4Verifier(
                id -> id.equals("AKID") ? Optional.of(KEY) : Optional.empty(), Clock.systemUTC()),
            (context, action, input) -> {},
            "us-east-1",
            "000000000000");
    http = new EngineServer();
    http.serve(engine);
    client =
        LambdaClient.builder()
            .endpointOverride(http.uri())
            .region(Region.US_EAST_1)
            .credentialsProvider(
                StaticCredentialsProvider.create(AwsBasicCredentials.create("AKID", "secret")))
            .httpClient(UrlConnectionHttpClient.create())
            .build();
  }

  @AfterEach
  void stop() {
    client.close();
    http.close();
    objects.close();
    store.close();
  }

  private static byte[] zip(String content) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream out = new ZipOutputStream(bytes)) {
      ZipEntry entry = new ZipEntry("main.py");
      entry.setTimeLocal(
          LocalDateTime.of(2026, 1, 1, 0, 0)); // the same content is the same package
      out.putNextEntry(entry);
      out.write(content.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
    return bytes.toByteArray();
  }

  private CreateFunctionResponse create(String name, byte[] zip) {
    return client.createFunction(
        r ->
            r.functionName(name)
                .runtime("python3.8")
                .handler("main.handler")
                .role(ROLE)
                .timeout(7)
                .environment(e -> e.variables(Map.of("COLOUR", "blue")))
                .code(c -> c.zipFile(SdkBytes.fromByteArray(zip))));
  }

  @Test
  void aFunctionIsCreatedAsActiveLatestWithTheHashOfItsPackage() throws Exception {
    byte[] zip = zip("x = 1");
    CreateFunctionResponse made = create("hello", zip);
    assertThat(made.functionArn()).isEqualTo(ARN);
    assertThat(made.version()).isEqualTo("$LATEST");
    assertThat(made.state()).isEqualTo(State.ACTIVE);
    assertThat(made.codeSize()).isEqualTo(zip.length);
    assertThat(made.codeSha256())
        .isEqualTo(
            Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-256").digest(zip)));
    assertThat(made.timeout()).isEqualTo(7);
    assertThat(made.memorySize()).isEqualTo(128);
    assertThat(made.lastModified())
        .matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}\\+0000");

    var got = client.getFunction(r -> r.functionName("hello"));
    assertThat(got.configuration().environment().variables()).containsEntry("COLOUR", "blue");
    assertThat(got.code().location())
        .startsWith("http://127.0.0.1:9080/.lambda/hello/")
        .contains("X-Amz-Signature=");
  }

  @Test
  void aNameThatIsTakenAndAFunctionThatIsNotThereHaveTheWordsOfAws() {
    create("hello", zip("x = 1"));
    assertThatThrownBy(() -> create("hello", zip("x = 2")))
        .isInstanceOf(ResourceConflictException.class)
        .hasMessageContaining("Function already exist: hello");
    assertThatThrownBy(() -> client.getFunction(r -> r.functionName("nobody")))
        .isInstanceOf(ResourceNotFoundException.class)
        .hasMessageContaining(
            "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody");
    assertThatThrownBy(() -> client.getFunctionConfiguration(r -> r.functionName(ARN + ":5")))
        .isInstanceOf(ResourceNotFoundException.class)
        .hasMessageContaining("Function not found: " + ARN + ":5");
  }

  @Test
  void wrongArgumentsAreRefused() {
    assertThatThrownBy(() -> create("hello", "no zip".getBytes(StandardCharsets.UTF_8)))
        .isInstanceOf(InvalidParameterValueException.class)
        .hasMessageContaining("Could not unzip uploaded file");
    assertThatThrownBy(() -> create("hello", new byte[0]))
        .isInstanceOf(InvalidParameterValueException.class)
        .hasMessageContaining("non-empty zip");
    assertThatThrownBy(
            () ->
                client.createFunction(
                    r ->
                        r.functionName("h")
                            .runtime("python3.8")
                            .handler("a.b")
                            .role("my-role")
                            .code(c -> c.zipFile(SdkBytes.fromByteArray(zip(""))))))
        .isInstanceOf(LambdaException.class)
        .hasMessageContaining("'role' failed to satisfy constraint");
    assertThatThrownBy(
            () ->
                client.createFunction(
                    r ->
                        r.functionName("h")
                            .role(ROLE)
                            .code(c -> c.zipFile(SdkBytes.fromByteArray(zip(""))))))
        .hasMessageContaining("Runtime and Handler are mandatory");
    assertThatThrownBy(
            () ->
                client.createFunction(
                    r ->
                        r.functionName("h")
                            .runtime("python3.8")
                            .handler("a.b")
                            .role(ROLE)
                            .code(c -> c.s3Bucket("no-bucket").s3Key("k"))))
        .hasMessageContaining("S3 Error Code: NoSuchBucket");
    assertThatThrownBy(
            () ->
                client.createFunction(
                    r ->
                        r.functionName("h")
                            .runtime("python3.8")
                            .handler("a.b")
                            .role(ROLE)
                            .code(c -> c.s3Bucket("bucket").s3Key("foreign.zip"))))
        .hasMessageContaining("access has been denied by S3");
    assertThat(client.listFunctions().functions()).isEmpty();
  }

  @Test
  void runtimesNewerThanTheModelAndExecutablesAreAcceptedAndOthersAreNot() {
    for (String runtime :
        List.of(
            "python2.7",
            "python3.14",
            "nodejs22.x",
            "java25",
            "provided.al2023",
            "arn:aws:greengrass:::runtime/function/executable")) {
      String name = "r" + Math.abs(runtime.hashCode());
      assertThat(
              client
                  .createFunction(
                      r ->
                          r.functionName(name)
                              .runtime(runtime)
                              .handler("a.b")
                              .role(ROLE)
                              .code(c -> c.zipFile(SdkBytes.fromByteArray(zip("")))))
                  .runtimeAsString())
          .isEqualTo(runtime);
    }
    assertThatThrownBy(
            () ->
                client.createFunction(
                    r ->
                        r.functionName("f")
                            .runtime("cobol85")
                            .handler("a.b")
                            .role(ROLE)
                            .code(c -> c.zipFile(SdkBytes.fromByteArray(zip(""))))))
        .isInstanceOf(LambdaException.class)
        .hasMessageContaining("cobol85");
  }

  @Test
  void aPublishedVersionNeverChangesAndPublishingTheSameAgainGivesTheSameNumber() {
    create("hello", zip("x = 1"));
    PublishVersionResponse one =
        client.publishVersion(r -> r.functionName("hello").description("first"));
    assertThat(one.functionArn()).isEqualTo(ARN + ":1");
    assertThat(one.description()).isEqualTo("first");
    assertThat(client.publishVersion(r -> r.functionName("hello")).version()).isEqualTo("1");

    client.updateFunctionCode(
        r -> r.functionName("hello").zipFile(SdkBytes.fromByteArray(zip("x = 2"))));
    assertThat(client.publishVersion(r -> r.functionName("hello")).version()).isEqualTo("2");
    client.updateFunctionConfiguration(r -> r.functionName("hello").timeout(9));
    assertThat(
            client
                .getFunctionConfiguration(r -> r.functionName("hello").qualifier("1"))
                .codeSha256())
        .isEqualTo(one.codeSha256());
    assertThat(client.getFunctionConfiguration(r -> r.functionName("hello:2")).timeout())
        .isEqualTo(7);
    assertThat(client.listVersionsByFunction(r -> r.functionName("hello")).versions())
        .extracting(FunctionConfiguration::version)
        .containsExactly("$LATEST", "1", "2");
    assertThat(service.resolve(ARN + ":1").orElseThrow().zip()).isEqualTo(zip("x = 1"));
    assertThat(service.resolve(ARN + ":2").orElseThrow().zip()).isEqualTo(zip("x = 2"));
  }

  @Test
  void aStaleRevisionOrHashIsRefused() {
    String revision = create("hello", zip("x = 1")).revisionId();
    String next =
        client
            .updateFunctionConfiguration(
                r -> r.functionName("hello").revisionId(revision).timeout(5))
            .revisionId();
    assertThat(next).isNotEqualTo(revision);
    assertThatThrownBy(
            () ->
                client.updateFunctionConfiguration(
                    r -> r.functionName("hello").revisionId(revision).timeout(6)))
        .isInstanceOf(PreconditionFailedException.class);
    assertThatThrownBy(() -> client.publishVersion(r -> r.functionName("hello").codeSha256("AAAA")))
        .isInstanceOf(InvalidParameterValueException.class)
        .hasMessageContaining("is different from current CodeSHA256");
  }

  @Test
  void anAliasPointsToAVersionAndCanBeMoved() {
    create("hello", zip("x = 1"));
    client.publishVersion(r -> r.functionName("hello"));
    assertThat(
            client
                .createAlias(r -> r.functionName("hello").name("prod").functionVersion("1"))
                .aliasArn())
        .isEqualTo(ARN + ":prod");
    assertThat(service.resolve(ARN + ":prod").orElseThrow().functionArn()).isEqualTo(ARN + ":1");
    client.updateFunctionCode(
        r -> r.functionName("hello").zipFile(SdkBytes.fromByteArray(zip("x = 2"))).publish(true));
    client.updateAlias(r -> r.functionName("hello").name("prod").functionVersion("2"));
    FunctionVersion two = service.resolve(ARN + ":prod").orElseThrow();
    assertThat(two.functionArn()).isEqualTo(ARN + ":2");
    assertThat(two.environment()).containsEntry("COLOUR", "blue");
    assertThat(client.listAliases(r -> r.functionName("hello")).aliases()).hasSize(1);

    assertThatThrownBy(
            () ->
                client.createAlias(r -> r.functionName("hello").name("prod").functionVersion("1")))
        .isInstanceOf(ResourceConflictException.class)
        .hasMessageContaining("Alias already exists: " + ARN + ":prod");
    assertThatThrownBy(
            () -> client.createAlias(r -> r.functionName("hello").name("x").functionVersion("9")))
        .hasMessageContaining("Function not found: " + ARN + ":9");
    assertThatThrownBy(() -> client.deleteFunction(r -> r.functionName("hello").qualifier("2")))
        .isInstanceOf(ResourceConflictException.class)
        .hasMessageContaining("prod");
    client.deleteAlias(r -> r.functionName("hello").name("prod"));
    assertThatThrownBy(() -> client.getAlias(r -> r.functionName("hello").name("prod")))
        .hasMessageContaining("Cannot find alias arn: " + ARN + ":prod");
  }

  @Test
  void anAliasMayShareItsCallsBetweenTwoVersionsAndCoresGetTheFirst() {
    create("hello", zip("x = 1"));
    client.publishVersion(r -> r.functionName("hello"));
    client.updateFunctionCode(
        r -> r.functionName("hello").zipFile(SdkBytes.fromByteArray(zip("x = 2"))).publish(true));
    client.createAlias(
        r ->
            r.functionName("hello")
                .name("split")
                .functionVersion("1")
                .routingConfig(c -> c.additionalVersionWeights(Map.of("2", 0.25))));
    assertThat(
            client
                .getAlias(r -> r.functionName("hello").name("split"))
                .routingConfig()
                .additionalVersionWeights())
        .containsEntry("2", 0.25);
    assertThat(service.resolve(ARN + ":split").orElseThrow().version()).isEqualTo("1");
    assertThatThrownBy(
            () ->
                client.updateAlias(
                    r ->
                        r.functionName("hello")
                            .name("split")
                            .routingConfig(c -> c.additionalVersionWeights(Map.of("7", 0.5)))))
        .isInstanceOf(ResourceNotFoundException.class);
    client.updateAlias(
        r ->
            r.functionName("hello")
                .name("split")
                .routingConfig(c -> c.additionalVersionWeights(Map.of())));
    assertThat(client.getAlias(r -> r.functionName("hello").name("split")).routingConfig())
        .isNull();
  }

  @Test
  void tagsArePutShownAndTakenAway() {
    create("hello", zip("x = 1"));
    client.tagResource(r -> r.resource(ARN).tags(Map.of("team", "blue", "level", "2")));
    client.untagResource(r -> r.resource(ARN).tagKeys("level"));
    assertThat(client.listTags(r -> r.resource(ARN)).tags()).isEqualTo(Map.of("team", "blue"));
    assertThat(client.getFunction(r -> r.functionName("hello")).tags())
        .containsEntry("team", "blue");
    assertThatThrownBy(() -> client.listTags(r -> r.resource(ARN + ":1")))
        .hasMessageContaining("Tags on function aliases and versions are not supported");
    assertThatThrownBy(() -> client.listTags(r -> r.resource(ARN + "none")))
        .isInstanceOf(ResourceNotFoundException.class);
  }

  @Test
  void aPolicyGrowsAndShrinksByStatements() {
    create("hello", zip("x = 1"));
    String statement =
        client
            .addPermission(
                r ->
                    r.functionName("hello")
                        .statementId("s3")
                        .action("lambda:InvokeFunction")
                        .principal("s3.amazonaws.com")
                        .sourceAccount("000000000000")
                        .sourceArn("arn:aws:s3:::bucket"))
            .statement();
    assertThat(statement)
        .contains(
            "\"Sid\":\"s3\"",
            "{\"Service\":\"s3.amazonaws.com\"}",
            "\"Resource\":\"" + ARN + "\"",
            "\"ArnLike\":{\"AWS:SourceArn\":\"arn:aws:s3:::bucket\"}");
    assertThatThrownBy(
            () ->
                client.addPermission(
                    r ->
                        r.functionName("hello")
                            .statementId("s3")
                            .action("lambda:*")
                            .principal("*")))
        .isInstanceOf(ResourceConflictException.class)
        .hasMessageContaining("The statement id (s3) provided already exists");
    String revision = client.getPolicy(r -> r.functionName("hello")).revisionId();
    assertThatThrownBy(
            () ->
                client.removePermission(
                    r -> r.functionName("hello").statementId("s3").revisionId("stale")))
        .isInstanceOf(PreconditionFailedException.class);
    client.removePermission(r -> r.functionName("hello").statementId("s3").revisionId(revision));
    assertThatThrownBy(() -> client.getPolicy(r -> r.functionName("hello")))
        .isInstanceOf(ResourceNotFoundException.class)
        .hasMessageContaining("The resource you requested does not exist.");
  }

  @Test
  void toInvokeIsRefusedWithTheWayToDoIt() {
    create("hello", zip("x = 1"));
    assertThatThrownBy(() -> client.invoke(r -> r.functionName("hello")))
        .isInstanceOf(InvalidParameterValueException.class)
        .hasMessageContaining("functions run on Greengrass cores");
    assertThat(
            client
                .getFunctionConcurrency(r -> r.functionName("hello"))
                .reservedConcurrentExecutions())
        .isNull();
    assertThat(client.listEventSourceMappings().eventSourceMappings()).isEmpty();
    assertThat(client.getAccountSettings().accountUsage().functionCount()).isEqualTo(1);
  }

  @Test
  void onlyPublishedVersionsResolve() {
    create("hello", zip("x = 1"));
    for (String arn :
        List.of(
            ARN,
            ARN + ":$LATEST",
            ARN + ":0",
            ARN + ":1",
            ARN + ":prod",
            "hello:1",
            "arn:aws:lambda:eu-west-1:000000000000:function:hello:1")) {
      assertThat(service.resolve(arn)).as(arn).isEmpty();
    }
  }

  @Test
  void deletingAFunctionTakesItsVersionsAliasesAndPackages() throws IOException {
    create("hello", zip("x = 1"));
    client.publishVersion(r -> r.functionName("hello"));
    client.updateFunctionCode(
        r -> r.functionName("hello").zipFile(SdkBytes.fromByteArray(zip("x = 2"))));
    assertThat(packages()).isEqualTo(2);
    assertThatThrownBy(
            () -> client.deleteFunction(r -> r.functionName("hello").qualifier("$LATEST")))
        .isInstanceOf(InvalidParameterValueException.class);
    client.deleteFunction(r -> r.functionName("hello"));
    assertThatThrownBy(() -> client.deleteFunction(r -> r.functionName("hello")))
        .isInstanceOf(ResourceNotFoundException.class);
    assertThat(service.resolve(ARN + ":1")).isEmpty();
    assertThat(packages()).isZero();
  }

  private long packages() throws IOException {
    try (java.util.stream.Stream<Path> files =
        java.nio.file.Files.walk(folder.resolve("objects/data"))) {
      return files.filter(java.nio.file.Files::isRegularFile).count();
    }
  }

  @Test
  void functionsAreListedInPages() {
    for (String name : List.of("a", "b", "c", "d", "e")) {
      create(name, zip(name));
    }
    List<String> names = new ArrayList<>();
    client
        .listFunctionsPaginator(r -> r.maxItems(2))
        .functions()
        .forEach(f -> names.add(f.functionName()));
    assertThat(names).containsExactly("a", "b", "c", "d", "e");
  }

  @Test
  void everythingIsThereAgainAfterARestart() throws IOException {
    create("hello", zip("x = 1"));
    client.publishVersion(r -> r.functionName("hello"));
    stop();
    start();
    assertThat(service.resolve(ARN + ":1").orElseThrow().zip()).isEqualTo(zip("x = 1"));
  }
}
