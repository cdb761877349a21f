package io.ryegrass.nucleus;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A container image of a {@code docker:} artifact (v2-deployments.md section 9): {@code
 * docker:[registry/]image[:tag|@digest]}.
 *
 * @param registry host, or host:port; {@code docker.io} when the artifact names none
 * @param repository path below the registry; {@code library/} stands before a plain name of Docker
 *     Hub
 * @param tag empty when a digest is given; {@code latest} when neither is
 * @param digest {@code sha256:…}, empty when the artifact has none
 */
public record ImageReference(String registry, String repository, String tag, String digest) {
  private static final String HUB = "docker.io";
  private static final Pattern FORM =
      Pattern.compile(
          "docker:(?<name>[a-zA-Z0-9][a-zA-Z0-9._:/-]*?)"
              + "(?::(?<tag>\\w[\\w.-]{0,127}))?(?:@(?<digest>[A-Za-z][A-Za-z0-9]*:[0-9a-fA-F]{32,}))?");
  private static final Pattern REPOSITORY =
      Pattern.compile(
          "[a-z0-9]+(?:(?:\\.|_{1,2}|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\\.|_{1,2}|-+)[a-z0-9]+)*)*");
  private static final Pattern PRIVATE_ECR =
      Pattern.compile("(\\d{12})\\.dkr\\.ecr\\.([a-z0-9-]+)\\.amazonaws\\.com(\\.cn)?");

  /**
   * Reads an artifact's URI.
   *
   * @throws NucleusException DOCKER_ARTIFACT_URI_NOT_VALID
   */
  public static ImageReference parse(String uri) {
    Matcher m = FORM.matcher(uri);
    if (!m.matches()) {
      throw notValid(uri);
    }
    String name = m.group("name");
    String registry = HUB;
    int slash = name.indexOf('/');
    String first = slash < 0 ? "" : name.substring(0, slash);
    if (first.indexOf('.') >= 0 || first.indexOf(':') >= 0 || first.equals("localhost")) {
      registry = first;
      name = name.substring(slash + 1);
    } else if (slash < 0) {
      name = "library/" + name;
    }
    if (registry.equals("registry.hub.docker.com") || registry.equals("index.docker.io")) {
      registry = HUB;
    }
    if (!REPOSITORY.matcher(name).matches()) {
      throw notValid(uri);
    }
    String digest = m.group("digest") == null ? "" : m.group("digest");
    String tag = m.group("tag") == null ? (digest.isEmpty() ? "latest" : "") : m.group("tag");
    return new ImageReference(registry, name, digest.isEmpty() ? tag : "", digest);
  }

  private static NucleusException notValid(String uri) {
    return new NucleusException(
        "DOCKER_ARTIFACT_URI_NOT_VALID",
        "Artifact "
            + uri
            + " must look like docker:registry/image:tag or docker:registry/image@digest.");
  }

  /** What the engine calls it, without tag and digest. */
  public String name() {
    return registry.equals(HUB) ? HUB + "/" + repository : registry + "/" + repository;
  }

  /** What the engine calls it. */
  public String text() {
    return digest.isEmpty() ? name() + ":" + tag : name() + "@" + digest;
  }

  /** Whether the image may be another one tomorrow under the same name. */
  public boolean isLatest() {
    return tag.equals("latest");
  }

  /** Whether the registry is one of Amazon ECR's private ones. */
  public boolean isPrivateEcr() {
    return PRIVATE_ECR.matcher(registry).matches();
  }

  /** Region of a private registry of Amazon ECR; empty for other registries. */
  public String ecrRegion() {
    Matcher m = PRIVATE_ECR.matcher(registry);
    return m.matches() ? m.group(2) : "";
  }

  /** Account of a private registry of Amazon ECR; empty for other registries. */
  public String ecrAccount() {
    Matcher m = PRIVATE_ECR.matcher(registry);
    return m.matches() ? m.group(1) : "";
  }
}
