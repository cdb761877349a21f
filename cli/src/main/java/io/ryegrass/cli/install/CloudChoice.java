package io.ryegrass.cli.install;

import io.ryegrass.cli.CliException;
import io.ryegrass.cli.CloudAddress;
import io.ryegrass.cli.Provisioning;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.ProfileCredentialsProvider;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.regions.Region;

/**
 * Which cloud an installation provisions in, and with whose key: an API's address, a cloud on this
 * machine, or AWS itself. The key comes from the environment or from {@code ~/.aws/credentials}
 * (PRV-03, INS-45), for a cloud on this machine from its folder. None is stored.
 */
final class CloudChoice {
  private static final String AMAZON_ROOT =
      "https://www.amazontrust.com/repository/AmazonRootCA1.pem";

  private final InstallMain asked;

  CloudChoice(InstallMain asked) {
    this.asked = asked;
  }

  CloudAddress find() {
    String region = asked.region == null ? "" : asked.region;
    URI endpoint = asked.endpoint();
    CloudAddress cloud;
    Path data = asked.data;
    if (endpoint != null) {
      cloud = CloudAddress.ofEndpoint(endpoint, credentials());
    } else if (!"aws".equals(asked.cloudEndpoint)
        && data != null
        && Files.isReadable(data.resolve("endpoints.json"))) {
      cloud = CloudAddress.ofDataFolder(data);
    } else {
      return amazon(region);
    }
    if (!cloud.region().equals(region)) {
      throw new CliException(
          (known(region)
                  ? "the cloud at "
                      + cloud.name()
                      + " is Region "
                      + cloud.region()
                      + ", not "
                      + region
                  : region + " is invalid AWS region")
              + "; give --aws-region "
              + cloud.region());
    }
    return cloud;
  }

  private static boolean known(String region) {
    return Region.regions().contains(Region.of(region));
  }

  private CloudAddress amazon(String region) {
    if (!known(region)) {
      throw new CliException(region + " is invalid AWS region");
    }
    AwsCredentials key = credentials();
    try (Provisioning p = new Provisioning(null, region, key)) {
      return new CloudAddress(
          null,
          p.endpoint("iot:Data-ATS"),
          p.endpoint("iot:CredentialProvider"),
          8443,
          8883,
          amazonRoot(),
          region,
          key);
    }
  }

  private static String amazonRoot() {
    try (HttpClient http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(15)).build()) {
      HttpResponse<String> answer =
          http.send(
              HttpRequest.newBuilder(URI.create(AMAZON_ROOT))
                  .timeout(Duration.ofSeconds(30))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      if (answer.statusCode() == 200 && answer.body().contains("BEGIN CERTIFICATE")) {
        return answer.body();
      }
      throw new CliException(AMAZON_ROOT + " answered " + answer.statusCode() + "; try again");
    } catch (IOException e) {
      throw new CliException(
          "the root certificate cannot be fetched from " + AMAZON_ROOT + " (" + e + "); try again");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CliException("interrupted");
    }
  }

  private static AwsCredentials credentials() {
    Map<String, String> env = System.getenv();
    String id = env.get("AWS_ACCESS_KEY_ID");
    String secret = env.get("AWS_SECRET_ACCESS_KEY");
    String token = env.get("AWS_SESSION_TOKEN");
    if (id != null && secret != null) {
      return token == null || token.isEmpty()
          ? AwsBasicCredentials.create(id, secret)
          : AwsSessionCredentials.create(id, secret, token);
    }
    try (ProfileCredentialsProvider profile = ProfileCredentialsProvider.create()) {
      return profile.resolveCredentials();
    } catch (SdkClientException e) {
      throw new CliException(
          "no access key: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN if"
              + " there is one), or write ~/.aws/credentials");
    }
  }
}
