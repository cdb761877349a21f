package io.ryegrass.components;

import io.ryegrass.model.BuiltInComponents;
import io.ryegrass.model.ComponentVersion;
import io.ryegrass.model.Recipe;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Row;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Component versions: the account's own in the store, the public ones (built into the core) out of
 * {@link BuiltInComponents}.
 */
final class Catalogue {
  static final String PUBLIC = "PUBLIC";
  private static final String PUBLIC_ACCOUNT = "aws";

  private final CloudStore store;
  private final Arns arns;
  private final Clock clock;
  private final Instant started;

  Catalogue(CloudStore store, Arns arns, Clock clock) {
    this.store = store;
    this.arns = arns;
    this.clock = clock;
    this.started = clock.instant();
  }

  /** A component version with its recipe. */
  record Version(String arn, Recipe recipe, Instant created, boolean hidden) {
    ComponentVersion number() {
      return recipe.componentVersion();
    }
  }

  Optional<Version> find(Arns.Name name) {
    return name.isPublic()
        ? publicVersions(name.component()).stream()
            .filter(v -> v.number().text().equals(name.version()))
            .findFirst()
        : findPrivate(name.component(), name.version());
  }

  /** By name, the account's own before the public one. */
  Optional<Version> find(String name, String version) {
    return findPrivate(name, version)
        .or(
            () ->
                publicVersions(name).stream()
                    .filter(v -> v.number().text().equals(version))
                    .findFirst());
  }

  /**
   * All versions of a component, highest first: the account's own if there is any, otherwise the
   * public ones.
   */
  List<Version> versions(String name) {
    List<Version> own = privateVersions(name);
    return own.isEmpty() ? publicVersions(name) : own;
  }

  List<Version> privateVersions(String name) {
    return sorted(
        store.read(
            sql ->
                sql.list("SELECT * FROM components_versions WHERE name = ?", this::version, name)));
  }

  List<Version> publicVersions(String name) {
    return sorted(
        BuiltInComponents.recipes().stream()
            .filter(r -> r.componentName().equals(name))
            .map(this::builtIn)
            .toList());
  }

  /** The highest version of each component of a scope, by name. */
  List<Version> latest(boolean publicScope) {
    List<Version> all =
        publicScope
            ? BuiltInComponents.recipes().stream().map(this::builtIn).toList()
            : store.read(
                sql ->
                    sql.list(
                        "SELECT * FROM components_versions WHERE hidden = 0 ORDER BY name",
                        this::version));
    Map<String, Version> latest = new TreeMap<>();
    for (Version version : all) {
      latest.merge(
          version.recipe().componentName(),
          version,
          (a, b) -> a.number().compareTo(b.number()) >= 0 ? a : b);
    }
    return List.copyOf(latest.values());
  }

  /** Adds a version; false when name and version are taken. */
  boolean insert(Recipe recipe, boolean hidden) {
    return store.write(
        sql -> {
          String name = recipe.componentName();
          String version = recipe.componentVersion().text();
          if (findPrivate(name, version).isPresent()) {
            return false;
          }
          sql.update(
              "INSERT INTO components_versions (name, version, created, hidden, recipe) VALUES (?, ?,"
                  + " ?, ?, ?)",
              name,
              version,
              clock.millis(),
              hidden ? 1 : 0,
              recipe.toJson().toString());
          return true;
        });
  }

  void replaceRecipe(Recipe recipe) {
    store.write(
        sql ->
            sql.update(
                "UPDATE components_versions SET recipe = ?, created = ? WHERE name = ? AND version ="
                    + " ?",
                recipe.toJson().toString(),
                clock.millis(),
                recipe.componentName(),
                recipe.componentVersion().text()));
  }

  boolean delete(String name, String version) {
    return store.write(
            sql ->
                sql.update(
                    "DELETE FROM components_versions WHERE name = ? AND version = ?",
                    name,
                    version))
        > 0;
  }

  private Optional<Version> findPrivate(String name, String version) {
    return store.read(
        sql ->
            sql.one(
                "SELECT * FROM components_versions WHERE name = ? AND version = ?",
                this::version,
                name,
                version));
  }

  private Version version(Row row) {
    Recipe recipe = Recipe.parse(row.text("recipe").getBytes(StandardCharsets.UTF_8));
    return new Version(
        arns.version(arns.account(), row.text("name"), row.text("version")),
        recipe,
        row.instant("created"),
        row.flag("hidden"));
  }

  private Version builtIn(Recipe recipe) {
    return new Version(
        arns.version(PUBLIC_ACCOUNT, recipe.componentName(), recipe.componentVersion().text()),
        recipe,
        started,
        false);
  }

  private static List<Version> sorted(List<Version> versions) {
    List<Version> result = new ArrayList<>(versions);
    result.sort(Comparator.comparing(Version::number).reversed());
    return result;
  }
}
