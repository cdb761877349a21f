package io.ryegrass.cloudlink;

import io.ryegrass.model.ComponentVersion;
import io.ryegrass.model.InvalidDocumentException;
import io.ryegrass.model.Json;
import io.ryegrass.model.Recipe;
import io.ryegrass.nucleus.CloudRefusedException;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.ComponentCatalog;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Component versions and thing groups of the data plane (v2-deployments.md sections 7.1, 7.3). */
final class CloudCatalog implements ComponentCatalog {
  private static final Logger LOG = LoggerFactory.getLogger(CloudCatalog.class);
  private static final String BAD_RESPONSE = "RESOLVE_COMPONENT_CANDIDATES_BAD_RESPONSE";

  /** A core is in at most 10 groups of a type; this only ends a loop of tokens. */
  private static final int MAX_PAGES = 100;

  private static final int MAX_DOCUMENT = 10 << 20;
  private static final int CANDIDATES_AT_ONCE = 50;
  private static final int QUESTIONS_AT_ONCE = 2;
  private static final String NO_DOCUMENT = "DOWNLOAD_DEPLOYMENT_DOCUMENT_ERROR";

  private final DataPlaneClient cloud;
  private final String thingName;
  private final String endpointType;

  CloudCatalog(DataPlaneClient cloud, String thingName, HttpsSettings https) {
    this.cloud = cloud;
    this.thingName = thingName;
    this.endpointType = https.s3().forDataPlane();
  }

  /** One candidate for each call, and exactly one answer, as AWS's nucleus does it. */
  @Override
  public ResolvedComponent resolve(
      String name,
      Map<String, String> requirements,
      Map<String, String> platform,
      @Nullable ComponentVersion local) {
    ObjectNode request = question(List.of(new Wanted(name, requirements, local)), platform);
    JsonNode answer;
    try {
      answer = cloud.call("POST", "/greengrass/v2/resolveComponentCandidates", request);
    } catch (CloudRefusedException e) {
      throw refusal(name, requirements, e);
    }
    JsonNode versions = answer.path("resolvedComponentVersions");
    if (versions.size() != 1 || !versions.path(0).path("componentName").asString("").equals(name)) {
      throw new CloudRefusedException(
          BAD_RESPONSE,
          "The cloud answered the question for one version of " + name + " with " + versions + ".");
    }
    return read(name, versions.path(0));
  }

  private static ObjectNode question(List<Wanted> wanted, Map<String, String> platform) {
    ObjectNode request = Json.object();
    ObjectNode attributes = request.putObject("platform").putObject("attributes");
    platform.forEach(attributes::put);
    ArrayNode candidates = request.putArray("componentCandidates");
    for (Wanted one : wanted) {
      ObjectNode candidate = candidates.addObject().put("componentName", one.name());
      ComponentVersion local = one.local();
      if (local != null) {
        candidate.put("componentVersion", local.text());
      }
      ObjectNode requirements = candidate.putObject("versionRequirements");
      one.requirements().forEach(requirements::put);
    }
    return request;
  }

  /**
   * The API takes a list of candidates, although AWS's nucleus sends one at a time; a cloud that
   * does not like many gets them one by one.
   */
  @Override
  public Map<String, ResolvedComponent> resolveAll(
      List<Wanted> wanted, Map<String, String> platform) {
    Map<String, ResolvedComponent> found = new ConcurrentHashMap<>();
    Semaphore turns = new Semaphore(QUESTIONS_AT_ONCE);
    AtomicBoolean given = new AtomicBoolean();
    try (ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int from = 0; from < wanted.size(); from += CANDIDATES_AT_ONCE) {
        List<Wanted> some =
            wanted.subList(from, Math.min(wanted.size(), from + CANDIDATES_AT_ONCE));
        try {
          turns.acquire();
        } catch (InterruptedException e) {
          pool.shutdownNow();
          Thread.currentThread().interrupt();
          break;
        }
        if (given.get()) {
          break;
        }
        pool.execute(
            () -> {
              try {
                ask(some, platform, found);
              } catch (CloudRefusedException | CloudUnavailableException e) {
                if (!given.getAndSet(true)) {
                  LOG.debug("Components are asked for one by one: {}", e.getMessage());
                }
              } finally {
                turns.release();
              }
            });
      }
    }
    return found;
  }

  private void ask(
      List<Wanted> some, Map<String, String> platform, Map<String, ResolvedComponent> found) {
    JsonNode answer =
        cloud.call("POST", "/greengrass/v2/resolveComponentCandidates", question(some, platform));
    for (JsonNode version : answer.path("resolvedComponentVersions")) {
      String name = version.path("componentName").asString("");
      found.put(name, read(name, version));
    }
  }

  private static ResolvedComponent read(String name, JsonNode version) {
    String guidance = version.path("vendorGuidance").asString("ACTIVE");
    if (!guidance.equals("ACTIVE")) {
      LOG.warn(
          "Version {} of {} is marked {}: {}",
          version.path("componentVersion").asString(""),
          name,
          guidance,
          version.path("message").asString("deploy a newer version"));
    }
    byte[] recipe;
    try {
      recipe = Base64.getDecoder().decode(version.path("recipe").asString(""));
    } catch (IllegalArgumentException e) {
      throw new CloudRefusedException(
          BAD_RESPONSE, "The recipe of " + name + " that the cloud sent is not base64.", e);
    }
    try {
      return new ResolvedComponent(
          version.path("arn").asString(""),
          Recipe.parse(recipe),
          new String(recipe, StandardCharsets.UTF_8));
    } catch (InvalidDocumentException e) {
      throw new CloudRefusedException(
          e.code(),
          "The recipe of " + name + " that the cloud sent cannot be used: " + e.getMessage(),
          e);
    }
  }

  /** The message of a 404 tells what is missing (section 7.1). */
  private static CloudRefusedException refusal(
      String name, Map<String, String> requirements, CloudRefusedException e) {
    String text = String.valueOf(e.getMessage());
    return switch (e.code()) {
      case "ACCESS_DENIED" ->
          new CloudRefusedException("RESOLVE_COMPONENT_CANDIDATES_ACCESS_DENIED", text, e);
      case "RESOURCE_NOT_FOUND" ->
          new CloudRefusedException(
              "NO_AVAILABLE_COMPONENT_VERSION",
              text.contains("claim platform")
                  ? "The latest version of Component "
                      + name
                      + " that fulfils "
                      + requirements
                      + " doesn't claim platform compatibility with this device; add a"
                      + " manifest for it to the recipe."
                  : "The cloud has no version of "
                      + name
                      + " that fulfils "
                      + requirements
                      + "; create one or correct the deployment or the recipes that ask for it.",
              e);
      default -> e;
    };
  }

  @Override
  public List<String> thingGroups() {
    String path = "/greengrass/v2/coreDevices/" + encoded(thingName) + "/thingGroups";
    List<String> names = new ArrayList<>();
    String token = "";
    for (int page = 0; page < MAX_PAGES; page++) {
      JsonNode answer =
          cloud.call("GET", token.isEmpty() ? path : path + "?nextToken=" + encoded(token), null);
      for (JsonNode group : answer.path("thingGroups")) {
        add(names, group);
        group.path("rootToParentThingGroups").forEach(parent -> add(names, parent));
      }
      token = answer.path("nextToken").asString("");
      if (token.isEmpty()) {
        return names;
      }
    }
    throw new CloudRefusedException(
        "CLOUD_API_ERROR", "The list of thing groups of " + thingName + " has no end.");
  }

  private static void add(List<String> names, JsonNode group) {
    String name = group.path("thingGroupName").asString("");
    if (!name.isEmpty() && !names.contains(name)) {
      names.add(name);
    }
  }

  @Override
  public String deploymentDocument(String deploymentId) {
    JsonNode answer;
    try {
      answer =
          cloud.call(
              "GET",
              "/greengrass/v2/coreDevices/"
                  + encoded(thingName)
                  + "/deployments/"
                  + encoded(deploymentId)
                  + "/configuration?s3EndpointType="
                  + endpointType,
              null);
    } catch (CloudRefusedException e) {
      if (e.code().equals("ACCESS_DENIED")) {
        throw new CloudRefusedException(
            "GET_DEPLOYMENT_CONFIGURATION_ACCESS_DENIED",
            e.getMessage()
                + " A policy of the core must allow greengrass:GetDeploymentConfiguration.",
            e);
      }
      throw e;
    }
    String what = "the document of deployment " + deploymentId;
    URI url =
        CloudArtifacts.url(
            NO_DOCUMENT,
            "the document of " + deploymentId,
            answer.path("preSignedUrl").asString(""));
    DataPlaneClient.Answer document =
        cloud.exchange(
            "The download of " + what,
            DataPlaneClient.Trust.DOWNLOADS,
            HttpRequest.newBuilder(url));
    if (document.status() == 429 || document.status() >= 500) {
      throw new CloudUnavailableException(
          "The download of " + what + " was answered with " + document.status() + ".");
    }
    if (document.status() != 200) {
      throw new CloudRefusedException(
          NO_DOCUMENT,
          "The download of "
              + what
              + " from "
              + url.getAuthority()
              + " was answered with "
              + document.status()
              + " "
              + DataPlaneClient.message(document));
    }
    if (document.body().length > MAX_DOCUMENT) {
      throw new CloudRefusedException(
          "DEPLOYMENT_DOCUMENT_SIZE_EXCEEDED",
          "The document of deployment "
              + deploymentId
              + " has more than 10 MiB; merge less configuration at once.");
    }
    check(what, answer.path("integrityCheck"), document.body());
    return new String(document.body(), StandardCharsets.UTF_8);
  }

  private static void check(String what, JsonNode wanted, byte[] document) {
    String algorithm = wanted.path("algorithm").asString("SHA-256");
    try {
      byte[] digest = MessageDigest.getInstance(algorithm).digest(document);
      if (!Base64.getEncoder().encodeToString(digest).equals(wanted.path("digest").asString(""))) {
        throw new CloudUnavailableException(
            "The digest of " + what + " is not the one that the cloud told; it is fetched again.");
      }
    } catch (NoSuchAlgorithmException e) {
      throw new CloudRefusedException(
          "HASHING_ALGORITHM_UNAVAILABLE",
          "The digest of " + what + " is a " + algorithm + ", which this core does not know.",
          e);
    }
  }

  /** For one path segment or query value. */
  static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }
}
