package io.ryegrass.cloudapp;

import io.ryegrass.store.PostgresUrl;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * From {@code --database} and its password to a database. The password stands in a file, in the
 * environment or in the URL, in this order; only the first two are hidden from who lists the
 * machine's processes.
 */
final class DatabaseOptions {
  static final String URL = "--database";
  static final String PASSWORD_FILE = "--database-password-file";
  static final String PASSWORD_VARIABLE = "RYEGRASS_DATABASE_PASSWORD";

  private DatabaseOptions() {}

  /**
   * Null without a URL: then the database is SQLite's.
   *
   * @throws IllegalArgumentException with a sentence for the operator, without the password
   */
  static @Nullable PostgresUrl read(
      String url, String passwordFile, Map<String, String> environment) {
    if (url.isEmpty()) {
      if (!passwordFile.isEmpty()) {
        throw new IllegalArgumentException(PASSWORD_FILE + " is of no use without " + URL);
      }
      return null;
    }
    String password =
        passwordFile.isEmpty() ? environment.get(PASSWORD_VARIABLE) : firstLine(passwordFile);
    try {
      return PostgresUrl.parse(url, password);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(URL + ": " + e.getMessage(), e);
    }
  }

  private static String firstLine(String file) {
    try {
      return Files.readString(Path.of(file), StandardCharsets.UTF_8).lines().findFirst().orElse("");
    } catch (IOException e) {
      throw new IllegalArgumentException(
          PASSWORD_FILE + " " + file + " cannot be read: " + e.getMessage(), e);
    }
  }
}
