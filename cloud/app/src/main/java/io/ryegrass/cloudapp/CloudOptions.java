package io.ryegrass.cloudapp;

import io.ryegrass.objects.RemoteServer;
import io.ryegrass.store.PostgresUrl;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the operator chose.
 *
 * @param data folder of everything that lasts, but for the database where there is another
 * @param database null: SQLite in the data folder
 * @param host address to listen on
 * @param apiPort 0 takes a free port, as with the others
 * @param frontPort of MQTT, HTTPS and WebSocket together; {@link #ANY_FRONT_PORT} when it was not
 *     said
 * @param logsMegabytes bound of the log events kept, in MiB
 * @param webhooks URLs that get events
 * @param objects null: buckets lie in the data folder
 * @param newSecretsKey whether the master key of secrets is changed at this start
 */
record CloudOptions(
    Path data,
    @Nullable PostgresUrl database,
    String host,
    int apiPort,
    int httpsPort,
    int mqttPort,
    int frontPort,
    String region,
    String account,
    long logsMegabytes,
    boolean newSecretsKey,
    List<URI> webhooks,
    @Nullable RemoteServer objects) {

  static final int DEFAULT_HTTPS_PORT = 8443;
  static final int DEFAULT_FRONT_PORT = 8444;
  static final int ANY_FRONT_PORT = -1;
  static final long DEFAULT_LOGS_MEGABYTES = 2048;

  /** With whatever front port there is. */
  CloudOptions(
      Path data,
      @Nullable PostgresUrl database,
      String host,
      int apiPort,
      int httpsPort,
      int mqttPort,
      String region,
      String account,
      long logsMegabytes,
      boolean newSecretsKey,
      List<URI> webhooks) {
    this(
        data,
        database,
        host,
        apiPort,
        httpsPort,
        mqttPort,
        ANY_FRONT_PORT,
        region,
        account,
        logsMegabytes,
        newSecretsKey,
        webhooks,
        null);
  }

  /** With the defaults of all that has any. */
  CloudOptions(
      Path data,
      @Nullable PostgresUrl database,
      String host,
      int apiPort,
      int httpsPort,
      int mqttPort,
      String region,
      String account) {
    this(
        data,
        database,
        host,
        apiPort,
        httpsPort,
        mqttPort,
        ANY_FRONT_PORT,
        region,
        account,
        DEFAULT_LOGS_MEGABYTES,
        false,
        List.of(),
        null);
  }
}
