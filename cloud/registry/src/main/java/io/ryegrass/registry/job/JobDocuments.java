package io.ryegrass.registry.job;

import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Documents of jobs: where they come from, and how a device gets them. A placeholder {@code
 * ${aws:iot:s3-presigned-url:https://s3.region.amazonaws.com/bucket/key}} becomes a signed URL each
 * time a device asks (developer guide, "Presigned URLs").
 */
final class JobDocuments {
  private static final Logger log = LoggerFactory.getLogger(JobDocuments.class);
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final Pattern PLACEHOLDER =
      Pattern.compile("\\$\\{aws:iot:s3-presigned-url:([^}]+)}");
  private static final Pattern VIRTUAL_HOST =
      Pattern.compile("(.+)\\.s3(?:[.-][a-z0-9-]+)?\\.amazonaws\\.com(?:\\.cn)?");
  private static final long DEFAULT_SECONDS = 3600;

  private final JobObjects objects;

  JobDocuments(JobObjects objects) {
    this.objects = objects;
  }

  /** Where an object is. */
  record Place(String bucket, String key) {}

  /** Reads {@code https://s3.region.amazonaws.com/bucket/key} and the other forms of S3. */
  static Optional<Place> place(String url) {
    URI uri;
    try {
      uri = URI.create(url.replace(" ", "%20"));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
    String host = uri.getHost() == null ? "" : uri.getHost();
    String path = uri.getRawPath() == null ? "" : uri.getRawPath().replaceFirst("^/", "");
    Matcher virtual = VIRTUAL_HOST.matcher(host);
    if ("s3".equals(uri.getScheme())) {
      return place(uri.getAuthority(), path);
    }
    if (virtual.matches()) {
      return place(virtual.group(1), path);
    }
    int slash = path.indexOf('/');
    return slash < 1
        ? Optional.empty()
        : place(path.substring(0, slash), path.substring(slash + 1));
  }

  private static Optional<Place> place(@Nullable String bucket, String rawKey) {
    String key = URLDecoder.decode(rawKey.replace("+", "%2B"), StandardCharsets.UTF_8);
    return bucket == null || bucket.isEmpty() || key.isEmpty()
        ? Optional.empty()
        : Optional.of(new Place(bucket, key));
  }

  /** The text of a document in S3, read as the caller. */
  Optional<String> fetch(@Nullable Object caller, Place place) {
    return objects
        .read(caller, place.bucket(), place.key())
        .map(bytes -> new String(bytes, StandardCharsets.UTF_8));
  }

  static boolean hasPlaceholders(String document) {
    return PLACEHOLDER.matcher(document).find();
  }

  /** The document's text for a device, now. */
  String text(JobStore.Job job) {
    if (!hasPlaceholders(job.document())) {
      return job.document();
    }
    JsonNode config = job.head().settings().toJson().path(JobSettings.PRESIGNED);
    String role = config.path("roleArn").asString("");
    Duration validity = Duration.ofSeconds(config.path("expiresInSec").asLong(DEFAULT_SECONDS));
    return PLACEHOLDER
        .matcher(job.document())
        .replaceAll(m -> Matcher.quoteReplacement(url(job.jobId(), m, role, validity)));
  }

  private String url(
      String jobId, java.util.regex.MatchResult placeholder, String role, Duration validity) {
    Optional<String> url =
        place(placeholder.group(1))
            .flatMap(p -> objects.presign(role, p.bucket(), p.key(), validity));
    if (url.isEmpty()) {
      log.warn(
          "Job {}: no URL for {}; the object must exist and role '{}' must trust"
              + " iot.amazonaws.com and allow s3:GetObject on it",
          jobId,
          placeholder.group(1),
          role);
    }
    return url.map(u -> JSON.writeValueAsString(u))
        .map(quoted -> quoted.substring(1, quoted.length() - 1))
        .orElse(placeholder.group());
  }

  /** Documents of one batch: those without placeholders are parsed once. */
  final class Batch {
    private final Map<String, JsonNode> parsed = new HashMap<>();

    JsonNode of(JobStore.Job job) {
      return hasPlaceholders(job.document())
          ? JSON.readTree(text(job))
          : parsed.computeIfAbsent(job.jobId(), id -> JSON.readTree(job.document()));
    }
  }
}
