package io.ryegrass.cloudapp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.cloudwatchlogs.CloudWatchLogsClient;
import software.amazon.awssdk.services.cloudwatchlogs.model.CloudWatchLogsException;
import software.amazon.awssdk.services.cloudwatchlogs.model.InputLogEvent;
import software.amazon.awssdk.services.cloudwatchlogs.model.OutputLogEvent;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import tools.jackson.databind.json.JsonMapper;

/** Secrets Manager and CloudWatch Logs through the doors of the assembled cloud. */
class SecretsAndLogsTest {

  @TempDir Path folder;

  private Path data() {
    return folder.resolve("data");
  }

  private Cloud start(boolean newSecretsKey) {
    return Cloud.start(
        new CloudOptions(
            data(),
            null,
            "127.0.0.1",
            0,
            0,
            0,
            "us-east-1",
            "000000000000",
            2048,
            newSecretsKey,
            List.of()));
  }

  private URI api() throws Exception {
    return URI.create(
        JsonMapper.shared()
            .readTree(Files.readAllBytes(data().resolve("endpoints.json")))
            .path("apiUrl")
            .asString());
  }

  private StaticCredentialsProvider root() throws Exception {
    List<String> lines = Files.readAllLines(data().resolve("credentials"));
    return StaticCredentialsProvider.create(
        AwsBasicCredentials.create(value(lines.get(1)), value(lines.get(2))));
  }

  private static String value(String line) {
    return line.substring(line.indexOf('=') + 1).strip();
  }

  private SecretsManagerClient secrets() throws Exception {
    return SecretsManagerClient.builder()
        .endpointOverride(api())
        .region(Region.US_EAST_1)
        .credentialsProvider(root())
        .httpClient(UrlConnectionHttpClient.create())
        .build();
  }

  private CloudWatchLogsClient logs() throws Exception {
    return CloudWatchLogsClient.builder()
        .endpointOverride(api())
        .region(Region.US_EAST_1)
        .credentialsProvider(root())
        .httpClient(UrlConnectionHttpClient.create())
        .build();
  }

  @Test
  void secretsSurviveARestartAndAChangeOfTheirMasterKeyButNotItsLoss() throws Exception {
    Path key = data().resolve("secrets.key");
    try (Cloud cloud = start(false);
        SecretsManagerClient client = secrets()) {
      assertThat(cloud.readyLine()).contains("ready");
      client.createSecret(r -> r.name("db").secretString("press-1"));
      assertThat(Files.getPosixFilePermissions(key))
          .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    }
    String before = Files.readString(key);
    try (Cloud cloud = start(true);
        SecretsManagerClient client = secrets()) {
      assertThat(cloud.readyLine()).contains("ready");
      assertThat(Files.readString(key)).isNotEqualTo(before);
      assertThat(client.getSecretValue(r -> r.secretId("db")).secretString()).isEqualTo("press-1");
    }
    Files.delete(key);
    assertThatThrownBy(() -> start(false))
        .isInstanceOf(CloudException.class)
        .hasMessageContaining(key + " is missing");
  }

  @Test
  void eventsAreReceivedAndFoundAgainAndWhatIsNotServedSaysSo() throws Exception {
    long now = System.currentTimeMillis();
    try (Cloud cloud = start(false);
        CloudWatchLogsClient client = logs()) {
      assertThat(cloud.readyLine()).contains("ready");
      client.createLogGroup(r -> r.logGroupName("g"));
      client.createLogStream(r -> r.logGroupName("g").logStreamName("s"));
      client.putLogEvents(
          r ->
              r.logGroupName("g")
                  .logStreamName("s")
                  .logEvents(InputLogEvent.builder().timestamp(now).message("hello").build()));
      assertThatThrownBy(() -> client.describeMetricFilters(r -> r.logGroupName("g")))
          .isInstanceOf(CloudWatchLogsException.class)
          .hasMessageContaining("does not serve logs DescribeMetricFilters");
    }
    try (Cloud cloud = start(false);
        CloudWatchLogsClient client = logs()) {
      assertThat(cloud.readyLine()).contains("ready");
      assertThat(client.getLogEvents(r -> r.logGroupName("g").logStreamName("s")).events())
          .extracting(OutputLogEvent::message)
          .containsExactly("hello");
      assertThat(client.filterLogEvents(r -> r.logGroupName("g").filterPattern("hell")).events())
          .hasSize(1);
    }
  }
}
