package io.ryegrass.cli.v1;

import io.ryegrass.cli.CliException;
import io.ryegrass.cli.CloudAddress;
import java.net.URI;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.iot.IotClient;

/** Which cloud a command talks to. */
final class CloudOption {
  @Option(
      names = "--data",
      description = "the cloud's data folder (default: $RYEGRASS_DATA)",
      defaultValue = "${env:RYEGRASS_DATA}")
  private @Nullable Path data;

  private @Nullable CloudAddress found;

  CloudAddress address() {
    CloudAddress known = found;
    if (known == null) {
      if (data == null) {
        throw new CliException("name the cloud's data folder with --data");
      }
      known = CloudAddress.ofDataFolder(data);
      found = known;
    }
    return known;
  }

  IotClient iot() {
    CloudAddress cloud = address();
    URI api = cloud.apiUrl();
    var builder =
        IotClient.builder()
            .region(Region.of(cloud.region()))
            .credentialsProvider(StaticCredentialsProvider.create(cloud.credentials()))
            .httpClientBuilder(UrlConnectionHttpClient.builder());
    return api == null ? builder.build() : builder.endpointOverride(api).build();
  }
}
