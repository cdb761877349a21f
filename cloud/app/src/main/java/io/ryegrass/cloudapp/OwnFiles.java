package io.ryegrass.cloudapp;

import io.ryegrass.awssignature.AccessKey;
import io.ryegrass.durable.DurableFiles;
import io.ryegrass.registry.Endpoints;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Set;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The two files by which others find the cloud: where it listens, and with which key to call it.
 */
final class OwnFiles {

  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  private OwnFiles() {}

  /**
   * Makes the data folder when there is none, for its owner only: database and journals hold
   * shadows, messages and the variables of functions. The mode of a folder that is there already is
   * its owner's decision.
   */
  static void prepareFolder(Path data) {
    if (Files.exists(data)) {
      return;
    }
    DurableFiles.createDirectories(data);
    try {
      Files.setPosixFilePermissions(
          data,
          Set.of(
              PosixFilePermission.OWNER_READ,
              PosixFilePermission.OWNER_WRITE,
              PosixFilePermission.OWNER_EXECUTE));
    } catch (IOException e) {
      throw new CloudException(
          "the data folder "
              + data
              + " cannot be kept from others: "
              + e.getMessage()
              + " (--data names another)",
          e);
    }
  }

  /** {@code endpoints.json}: read by provisioning, the {@code aws} wrapper and the tests. */
  static void writeEndpoints(
      CloudOptions options,
      String deviceHost,
      String apiUrl,
      int httpsPort,
      int mqttPort,
      int frontPort) {
    ObjectNode endpoints = JSON.createObjectNode();
    endpoints.put("apiUrl", apiUrl);
    endpoints.put("deviceHost", deviceHost);
    endpoints.put("httpsPort", httpsPort);
    endpoints.put("mqttPort", mqttPort);
    endpoints.put("frontPort", frontPort);
    endpoints.put("rootCa", rootCa(options.data()).toString());
    endpoints.put("region", options.region());
    endpoints.put("account", options.account());
    DurableFiles.writeAtomically(
        options.data().resolve("endpoints.json"), JSON.writeValueAsBytes(endpoints));
  }

  /** What the API tells an installation on another machine. */
  static byte[] selfDescription(CloudOptions options, Endpoints endpoints, String rootCaPem) {
    ObjectNode description = JSON.createObjectNode();
    description.put("deviceHost", endpoints.deviceHost());
    description.put("httpsPort", endpoints.httpsPort());
    description.put("mqttPort", endpoints.mqttPort());
    description.put("region", options.region());
    description.put("account", options.account());
    description.put("rootCaPem", rootCaPem);
    return JSON.writeValueAsBytes(description);
  }

  /** {@code credentials}: the form of {@code ~/.aws/credentials}. */
  static void writeCredentials(Path data, AccessKey root) {
    String text =
        "[default]\naws_access_key_id = "
            + root.accessKeyId()
            + "\naws_secret_access_key = "
            + root.secretAccessKey()
            + "\n";
    DurableFiles.writeAtomically(
        data.resolve("credentials"),
        text.getBytes(StandardCharsets.UTF_8),
        Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE));
  }

  static Path authorityFolder(Path data) {
    return data.resolve("ca");
  }

  static Path rootCa(Path data) {
    return authorityFolder(data).resolve("ca.pem");
  }
}
