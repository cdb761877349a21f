package io.ryegrass.components;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.model.Recipe;
import io.ryegrass.objects.ObjectStore;
import io.ryegrass.objects.ReadAccess;
import io.ryegrass.objects.S3Exception;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.StringJoiner;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Artifacts of recipes: their digests, the service's own bucket, URLs for devices. */
final class Artifacts {
  /** Dot in front: no user of the S3 API can reach it. */
  static final String BUCKET = ".component-artifacts";

  private static final String ALGORITHM = "SHA-256";
  private static final Duration URL_LIFE = Duration.ofHours(1);
  private static final Pattern S3_URI = Pattern.compile("s3://([^/]+)/(.+)");

  private final ObjectStore objects;
  private final ReadAccess access;
  private final URI devicePresignBase;
  private final String region;

  Artifacts(ObjectStore objects, ReadAccess access, URI devicePresignBase, String region) {
    this.objects = objects;
    this.access = access;
    this.devicePresignBase = devicePresignBase;
    this.region = region;
    objects.createBucket(BUCKET);
  }

  /**
   * The recipe of a caller with digests of its bucket objects filled in. Devices will get these
   * objects, so the caller must be allowed to read them.
   */
  Recipe withDigests(Recipe recipe, @Nullable Object caller) {
    Map<String, String> problems = new LinkedHashMap<>();
    List<Recipe.Manifest> manifests = new ArrayList<>();
    for (Recipe.Manifest manifest : recipe.manifests()) {
      List<Recipe.Artifact> artifacts = new ArrayList<>();
      for (Recipe.Artifact artifact : manifest.artifacts()) {
        artifacts.add(
            switch (artifact.scheme()) {
              case "s3" -> withDigest(artifact, caller, problems);
              // its server and its digest, if any, are the author's
              case "docker", "https" -> artifact;
              default -> {
                problems.put(
                    artifact.uri(),
                    "its scheme cannot be used here; use s3://bucket/key, https://host/file or"
                        + " docker:image");
                yield artifact;
              }
            });
      }
      manifests.add(
          new Recipe.Manifest(
              manifest.name(),
              manifest.platform(),
              manifest.lifecycle(),
              manifest.selections(),
              artifacts));
    }
    if (!problems.isEmpty()) {
      throw inaccessible(problems);
    }
    return recipe.withManifests(manifests);
  }

  /** AWS's sentence; which problem it is stands in the fields, for those who look further. */
  private static AwsException inaccessible(Map<String, String> problems) {
    StringJoiner list = new StringJoiner(", ", "{", "}");
    problems
        .keySet()
        .forEach(u -> list.add(u + " = Specified artifact resource cannot be accessed"));
    return Faults.validation(
        "Invalid Input: Encountered following errors in Artifacts: " + list, problems);
  }

  private Recipe.Artifact withDigest(
      Recipe.Artifact artifact, @Nullable Object caller, Map<String, String> problems) {
    Matcher m = S3_URI.matcher(artifact.uri());
    if (!m.matches()) {
      problems.put(artifact.uri(), "it must read s3://bucket/key");
      return artifact;
    }
    if (!access.mayRead(caller, m.group(1), m.group(2))) {
      problems.put(
          artifact.uri(),
          "the caller needs s3:GetObject on it; add an identity policy that allows it");
      return artifact;
    }
    Optional<byte[]> digest;
    try {
      digest = objects.sha256(m.group(1), m.group(2));
    } catch (S3Exception e) {
      problems.put(artifact.uri(), String.valueOf(e.getMessage()));
      return artifact;
    }
    if (digest.isEmpty()) {
      problems.put(
          artifact.uri(),
          "it does not exist; upload it first, for example: aws s3 cp FILE " + artifact.uri());
      return artifact;
    }
    return new Recipe.Artifact(
        artifact.uri(),
        Base64.getEncoder().encodeToString(digest.get()),
        ALGORITHM,
        artifact.unarchive(),
        artifact.permission());
  }

  /** Stores the service's own artifacts of a component and fills in their digests. */
  Recipe store(Recipe recipe, Map<String, byte[]> files) {
    List<Recipe.Manifest> manifests = new ArrayList<>();
    for (Recipe.Manifest manifest : recipe.manifests()) {
      List<Recipe.Artifact> artifacts = new ArrayList<>();
      for (Recipe.Artifact artifact : manifest.artifacts()) {
        byte[] content = files.get(artifact.fileName());
        if (content == null) {
          throw new IllegalArgumentException(
              "component " + recipe.componentName() + " lacks its artifact " + artifact.fileName());
        }
        String digest = Base64.getEncoder().encodeToString(Digests.sha256(content));
        String key = key(recipe, artifact.fileName());
        if (!objects
            .sha256(BUCKET, key)
            .map(d -> Base64.getEncoder().encodeToString(d).equals(digest))
            .orElse(false)) {
          objects.put(BUCKET, key, content);
        }
        artifacts.add(
            new Recipe.Artifact(
                artifact.uri(), digest, ALGORITHM, artifact.unarchive(), artifact.permission()));
      }
      manifests.add(
          new Recipe.Manifest(
              manifest.name(),
              manifest.platform(),
              manifest.lifecycle(),
              manifest.selections(),
              artifacts));
    }
    return recipe.withManifests(manifests);
  }

  /** A URL for an artifact of a component version, by the artifact's name or file name. */
  String url(Recipe recipe, String artifactName) {
    for (Recipe.Manifest manifest : recipe.manifests()) {
      for (Recipe.Artifact artifact : manifest.artifacts()) {
        String name = artifact.uri().substring(artifact.uri().indexOf(':') + 1);
        if (!name.equals(artifactName) && !artifact.fileName().equals(artifactName)) {
          continue;
        }
        Matcher m = S3_URI.matcher(artifact.uri());
        if (artifact.scheme().equals("greengrass")) {
          return presign(BUCKET, key(recipe, artifact.fileName()));
        }
        if (m.matches()) {
          return presign(m.group(1), m.group(2));
        }
      }
    }
    throw Faults.notFound(
        "ARTIFACT",
        artifactName,
        "component "
            + recipe.componentName()
            + " version "
            + recipe.componentVersion().text()
            + " has no artifact '"
            + artifactName
            + "' that can be downloaded here");
  }

  /** Stores the document of a deployment and gives a URL to it. */
  String document(String deploymentId, byte[] content) {
    objects.put(BUCKET, documentKey(deploymentId), content);
    return presign(BUCKET, documentKey(deploymentId));
  }

  /** The deployment is replaced or gone, and nobody will ask for its document again. */
  void dropDocument(String deploymentId) {
    objects.delete(BUCKET, documentKey(deploymentId));
  }

  static String documentKey(String deploymentId) {
    return "deployments/" + deploymentId + ".json";
  }

  void delete(Recipe recipe) {
    for (Recipe.Manifest manifest : recipe.manifests()) {
      for (Recipe.Artifact artifact : manifest.artifacts()) {
        if (artifact.scheme().equals("greengrass")) {
          objects.delete(BUCKET, key(recipe, artifact.fileName()));
        }
      }
    }
  }

  private String presign(String bucket, String key) {
    try {
      return objects.presignGet(devicePresignBase, region, bucket, key, URL_LIFE);
    } catch (S3Exception e) {
      throw new AwsException(
          "InternalServerException", 500, "making a URL failed: " + e.getMessage());
    }
  }

  private static String key(Recipe recipe, String file) {
    return "components/"
        + recipe.componentName()
        + "/"
        + recipe.componentVersion().text()
        + "/"
        + file;
  }
}
