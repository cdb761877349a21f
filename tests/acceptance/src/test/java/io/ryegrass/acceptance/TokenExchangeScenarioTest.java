package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The component says what its environment holds; the AWS CLI then runs with exactly that, as a
 * program of the component's would. The credentials endpoint is behind a relay that is cut: the
 * cloud's own server has no way to answer 500 on demand (TokenExchangeServiceTest has that).
 */
@DisplayName("S-12 Token exchange")
@ExtendWith(TestCloud.Shared.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class TokenExchangeScenarioTest {
  private static final String NAME = "com.example.ListsBucket";
  private static final String BUCKET = "token-exchange-bucket";
  private static final String URI_VARIABLE = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
  private static final String TOKEN_VARIABLE = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  private static TestCloud cloud;
  private static TestCore core;
  private static Relay relay;
  private static String alias = "";
  private static String role = "";

  @BeforeAll
  static void deploy(TestCloud shared) {
    cloud = shared;
    core = TestCore.provisioned(cloud, "token-exchange");
    var config = core.root.resolve("config/config.yaml");
    String text = TestCloud.read(config);
    relay = new Relay(Integer.parseInt(value(text, "iotCredEndpoint: .*:(\\d+)")));
    TestCloud.write(config, text.replaceFirst("(iotCredEndpoint: .*:)\\d+", "$1" + relay.port()));
    alias = value(text, "iotRoleAlias: \"?([^\"\\s]+)");
    role = cloud.iot.describeRoleAlias(b -> b.roleAlias(alias)).roleAliasDescription().roleArn();
    core.start();
    cloud.aws("s3api", "create-bucket", "--bucket", BUCKET);
    var object = cloud.folder.resolve("listed.txt");
    TestCloud.write(object, "listed");
    cloud.aws(
        "s3", "cp", "--only-show-errors", object.toString(), "s3://" + BUCKET + "/listed.txt");
    cloud.createComponent(
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: %s
        ComponentVersion: 1.0.0
        ComponentDependencies:
          aws.greengrass.TokenExchangeService:
            VersionRequirement: ^2.0.0
            DependencyType: HARD
        Manifests:
          - Lifecycle:
              Run: env | grep ^AWS_ > aws.txt; echo $SVCUID > svcuid; exec sleep 100000
        """
            .formatted(NAME));
    core.awaitCompleted(core.deploy("{\"" + NAME + "\":{\"componentVersion\":\"1.0.0\"}}"));
  }

  @AfterAll
  static void stop() {
    core.close();
    relay.close();
  }

  private static String value(String text, String regex) {
    var found = Pattern.compile(regex).matcher(text);
    assertThat(found.find()).as("%s in %s", regex, text).isTrue();
    return found.group(1);
  }

  private static Map<String, String> environment() {
    core.awaitFile(NAME, "svcuid");
    String text = core.awaitFile(NAME, "aws.txt");
    return Map.of(
        URI_VARIABLE, value(text, URI_VARIABLE + "=(\\S+)"),
        TOKEN_VARIABLE, value(text, TOKEN_VARIABLE + "=(\\S+)"));
  }

  /** Stops the core and starts it again: credentials live in memory only (TES-04). */
  private static void restart() {
    core.close();
    try {
      Files.delete(core.work(NAME).resolve("aws.txt"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    core.start();
  }

  /** The AWS CLI waits two seconds for credentials, so the core gets them before. */
  private static Ryegrass.Outcome awsAsComponent(String... arguments) {
    TestCore.await("credentials").until(() -> ask().statusCode() == 200);
    return cloud.awsWithOnly(environment(), arguments);
  }

  private static HttpResponse<String> ask(String method, String token) {
    try {
      return HTTP.send(
          HttpRequest.newBuilder(URI.create(environment().get(URI_VARIABLE)))
              .timeout(Duration.ofSeconds(60))
              .header("Authorization", token)
              .method(method, HttpRequest.BodyPublishers.noBody())
              .build(),
          HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  private static HttpResponse<String> ask() {
    return ask("GET", environment().get(TOKEN_VARIABLE));
  }

  @Test
  @Order(1)
  @DisplayName("environment and HTTP JSON as TES-06 has them; wrong token 403, other verbs 405")
  void theComponentGetsCredentials() {
    assertThat(environment().get(URI_VARIABLE))
        .matches("http://localhost:\\d+/2016-11-01/credentialprovider/");

    HttpResponse<String> answer = ask();

    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    JsonNode body = JsonMapper.shared().readTree(answer.body());
    assertThat(body.propertyNames())
        .contains("AccessKeyId", "SecretAccessKey", "Token", "Expiration");
    assertThat(Instant.parse(body.path("Expiration").asString()))
        .as("an hour, the role alias's default (TES-04)")
        .isBetween(
            Instant.now().plus(Duration.ofMinutes(50)), Instant.now().plus(Duration.ofMinutes(61)));
    assertThat(ask("GET", "wrong").statusCode()).isEqualTo(403);
    assertThat(ask("POST", environment().get(TOKEN_VARIABLE)).statusCode()).isEqualTo(405);
  }

  @Test
  @Order(2)
  @DisplayName("the AWS CLI lists a bucket with them, in the name of the role")
  void theAwsCliListsABucket() {
    Ryegrass.Outcome listed = awsAsComponent("s3api", "list-objects-v2", "--bucket", BUCKET);
    listed.isSuccess();
    assertThat(listed.output()).contains("listed.txt");
    assertThat(awsAsComponent("sts", "get-caller-identity").output())
        .contains(":assumed-role/" + role.substring(role.lastIndexOf('/') + 1) + "/");
  }

  @Test
  @Order(3)
  @DisplayName("LESSON-26: credentials in memory serve through an outage of their endpoint")
  void theyServeThroughAnOutage() {
    relay.cut();
    assertThat(ask().statusCode()).isEqualTo(200);
    relay.restore();
  }

  @Test
  @Order(4)
  @DisplayName("a new role behind the alias is used at the next refresh")
  void aNewRoleIsUsedAtTheNextRefresh() {
    cloud.aws(
        "iam",
        "create-role",
        "--role-name",
        "OtherTokenExchangeRole",
        "--assume-role-policy-document",
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"credentials.iot.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}");
    cloud.aws(
        "iot",
        "update-role-alias",
        "--role-alias",
        alias,
        "--role-arn",
        "arn:aws:iam::" + TestCloud.ACCOUNT + ":role/OtherTokenExchangeRole");

    restart();

    assertThat(awsAsComponent("sts", "get-caller-identity").output())
        .contains(":assumed-role/OtherTokenExchangeRole/");
    Ryegrass.Outcome denied = awsAsComponent("s3api", "list-objects-v2", "--bucket", BUCKET);
    assertThat(denied.output()).contains("AccessDenied");
  }

  @Test
  @Order(5)
  @DisplayName(
      "LESSON-26: an endpoint that is away at the start: an error, then credentials once it is back")
  void anEndpointThatIsAway() {
    relay.cut();
    restart();
    assertThat(ask().statusCode()).isGreaterThanOrEqualTo(500);

    relay.restore();

    TestCore.await("credentials after the outage")
        .untilAsserted(() -> assertThat(ask().statusCode()).isEqualTo(200));
  }

  @Test
  @Order(6)
  @DisplayName("LESSON-26: alias removed: refused with the cloud's reason, logged, and remembered")
  void aRemovedAliasIsRefused() {
    cloud.aws("iot", "delete-role-alias", "--role-alias", alias);
    restart();

    HttpResponse<String> refused = ask();

    assertThat(refused.statusCode()).isBetween(400, 499);
    assertThat(refused.body()).contains("TES responded with status code: ").contains(alias);
    core.awaitLog("greengrass", "TES responded with status code: " + refused.statusCode());
    assertThat(ask().body()).as("remembered for 120 s").isEqualTo(refused.body());
  }
}
