package io.ryegrass.cloudapp;

import io.ryegrass.store.PostgresUrl;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What the operator chose.
 *
 * @param data folder of everything that lasts, but for the database where there is another
 * @param database null: SQLite in the data folder
 * @param host address to listen on
 * @param apiPort 0 takes a free port, as with the others
 */
record CloudOptions(
    Path data,
    @Nullable PostgresUrl database,
    String host,
    int apiPort,
    int httpsPort,
    int mqttPort,
    String region,
    String account) {}
