package io.ryegrass.store;

import java.util.Locale;
import java.util.Properties;
import org.jspecify.annotations.Nullable;

/**
 * Where a PostgreSQL database is and how to be let in. Its text form holds neither user nor
 * password.
 */
public final class PostgresUrl {
  private static final String SCHEME = "jdbc:postgresql:";

  private final String url;
  private final @Nullable String password;

  private PostgresUrl(String url, @Nullable String password) {
    this.url = url;
    this.password = password;
  }

  /**
   * Reads {@code jdbc:postgresql://host:port/database?user=…&…}; the properties behind the question
   * mark are those of the PostgreSQL JDBC driver.
   *
   * @param password used when the URL has none; null leaves it to the driver (a {@code .pgpass}
   *     file, or a server that asks for none)
   * @throws IllegalArgumentException with a sentence that never quotes a secret
   */
  public static PostgresUrl parse(String url, @Nullable String password) {
    String location = url.split("\\?", 2)[0];
    if (!location.toLowerCase(Locale.ROOT).startsWith(SCHEME)) {
      throw new IllegalArgumentException("it must start with " + SCHEME + "//host:port/database");
    }
    if (location.contains("@")) {
      throw new IllegalArgumentException(
          "user and password do not stand before the host; write ?user=… behind the database");
    }
    if (!location.matches("(?i)jdbc:postgresql:(//[^/]*/)?[^/]+")) {
      throw new IllegalArgumentException(
          "it names no database; write " + SCHEME + "//host:port/database");
    }
    return new PostgresUrl(url, password);
  }

  String url() {
    return url;
  }

  /** Our properties; those of the URL win over them. */
  Properties properties() {
    Properties properties = new Properties();
    properties.setProperty("ApplicationName", "ryegrass");
    properties.setProperty("connectTimeout", "5");
    properties.setProperty("loginTimeout", "10");
    properties.setProperty("socketTimeout", "120");
    properties.setProperty("tcpKeepAlive", "true");
    properties.setProperty("logServerErrorDetail", "false"); // details quote the values of rows
    if (password != null) {
      properties.setProperty("password", password);
    }
    return properties;
  }

  /** The URL without its properties. */
  @Override
  public String toString() {
    return url.split("\\?", 2)[0];
  }
}
