package io.ryegrass.objects;

import io.ryegrass.awssignature.AccessKey;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A request whose signature is good, taken apart.
 *
 * @param bucket empty for the service itself
 * @param key empty for a bucket
 * @param query decoded; the last of equal names counts
 * @param signer the key that signed
 * @param region region of the credential scope
 * @param access decides about an action on a resource
 */
record S3Call(
    S3Request request,
    String bucket,
    String key,
    Map<String, String> query,
    AccessKey signer,
    String region,
    Access access) {
  static final String STREAMING = "STREAMING-";
  private static final int MAX_DOCUMENT = 4 << 20;
  private static final Pattern HASH = Pattern.compile("[0-9a-fA-F]{64}");
  private static final Pattern MD5 = Pattern.compile("[A-Za-z0-9+/]{22}==");
  private static final Pattern SIGNATURE = Pattern.compile("Signature=([0-9a-f]+)");
  private static final String CHECKSUM = "x-amz-checksum-";

  /** The IAM decision. */
  @FunctionalInterface
  interface Access {
    boolean allows(String action, String resource);
  }

  /** The version asked for; empty for the newest. */
  String versionId() {
    String id = parameter("versionId");
    return has("versionId") ? VersionIds.checked(id) : "";
  }

  boolean has(String parameter) {
    return query.containsKey(parameter);
  }

  String parameter(String name) {
    return query.getOrDefault(name, "");
  }

  /** Whether it is about one of the program's own buckets. */
  boolean internal() {
    return ObjectStore.isInternal(bucket);
  }

  boolean mayOnBucket(String action) {
    return access.allows(action, "arn:aws:s3:::" + bucket);
  }

  void requireOnBucket(String action) {
    require(action, "arn:aws:s3:::" + bucket);
  }

  void requireOnObject(String action) {
    require(action, "arn:aws:s3:::" + bucket + "/" + key);
  }

  void require(String action, String resource) {
    if (!access.allows(action, resource)) {
      throw denied(action, resource);
    }
  }

  static S3Exception denied(String action, String resource) {
    return new S3Exception(
        "AccessDenied",
        403,
        "Access Denied: the caller is not allowed to perform "
            + action
            + " on "
            + resource
            + "; add an identity policy, or a policy of the bucket, that allows it");
  }

  /** The whole body as text, for the few small XML documents. */
  String document(Staging staging) {
    return document(staging, true);
  }

  /**
   * @param checksums whether checksums in headers are about this body, not about an object
   */
  String document(Staging staging, boolean checksums) {
    StagedObject staged = stage(staging, MAX_DOCUMENT, checksums);
    try {
      // not readString: what is no UTF-8 is the caller's fault and for the XML reader to refuse
      return new String(java.nio.file.Files.readAllBytes(staged.file()), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw S3Exception.io("reading the request", e);
    } finally {
      staging.discard(staged);
    }
  }

  /**
   * Receives the body, undoes aws-chunked and checks all that was promised about it: length, MD5,
   * checksums in header or trailer, the signed hash, the signatures of chunks.
   */
  StagedObject stage(Staging staging, long maxBytes) {
    return stage(staging, maxBytes, true);
  }

  StagedObject stage(Staging staging, long maxBytes, boolean checksumsOfBody) {
    String declared = request.header("x-amz-content-sha256");
    Checksums checksums = new Checksums();
    Map<String, String> promised = new HashMap<>();
    request
        .headers()
        .forEach(
            (name, values) -> {
              if (checksumsOfBody
                  && name.startsWith(CHECKSUM)
                  && !name.endsWith("-algorithm")
                  && !name.endsWith("-type")
                  && !name.endsWith("-mode")) {
                String algorithm = name.substring(CHECKSUM.length());
                checksums.add(algorithm);
                promised.put(algorithm, values.getFirst());
              }
            });
    String trailer = request.header("x-amz-trailer").strip().toLowerCase(Locale.ROOT);
    if (trailer.startsWith(CHECKSUM)) {
      checksums.add(trailer.substring(CHECKSUM.length()));
    }
    AwsChunkedInputStream chunked = chunked(declared);
    md5Form();
    StagedObject staged =
        staging.receive(chunked == null ? request.body() : chunked, maxBytes, checksums);
    boolean good = false;
    try {
      if (chunked != null) {
        chunked
            .trailers()
            .forEach(
                (name, value) -> {
                  if (name.startsWith(CHECKSUM)) {
                    promised.put(name.substring(CHECKSUM.length()), value);
                  }
                });
      }
      check(staged, declared, chunked != null, promised);
      good = true;
      return staged;
    } finally {
      if (!good) {
        staging.discard(staged);
      }
    }
  }

  private @Nullable AwsChunkedInputStream chunked(String declared) {
    if (!declared.startsWith(STREAMING)) {
      return null;
    }
    boolean trailer = declared.endsWith("-TRAILER");
    if (declared.startsWith("STREAMING-UNSIGNED-PAYLOAD")) {
      return new AwsChunkedInputStream(request.body(), null, trailer);
    }
    java.util.regex.Matcher seed = SIGNATURE.matcher(request.header("authorization"));
    if (!declared.startsWith("STREAMING-AWS4-HMAC-SHA256-PAYLOAD") || !seed.find()) {
      throw new S3Exception(
          "NotImplemented",
          501,
          "A body of the kind " + declared + " is not implemented; sign with AWS4-HMAC-SHA256");
    }
    return new AwsChunkedInputStream(
        request.body(),
        new ChunkSignatures(
            signer.secretAccessKey(), request.header("x-amz-date"), region, seed.group(1)),
        trailer);
  }

  private void check(
      StagedObject staged, String declared, boolean chunked, Map<String, String> promised) {
    String length = request.header(chunked ? "x-amz-decoded-content-length" : "content-length");
    if (!length.isEmpty() && !length.equals(Long.toString(staged.size()))) {
      throw new S3Exception(
          "IncompleteBody",
          400,
          "You did not provide the number of bytes specified by the Content-Length HTTP header");
    }
    if (HASH.matcher(declared).matches()
        && !declared.equalsIgnoreCase(staged.checksums().sha256Hex())) {
      throw new S3Exception(
          "XAmzContentSHA256Mismatch",
          400,
          "The provided 'x-amz-content-sha256' header does not match what was computed.");
    }
    String md5 = request.header("content-md5");
    if (!md5.isEmpty()
        && !md5.equals(Base64.getEncoder().encodeToString(staged.checksums().md5()))) {
      throw new S3Exception(
          "BadDigest", 400, "The Content-MD5 you specified did not match what we received.");
    }
    promised.forEach(
        (algorithm, value) -> {
          if (!value.equals(staged.checksums().named().get(algorithm))) {
            throw badDigest(algorithm.toUpperCase(Locale.ROOT));
          }
        });
  }

  private void md5Form() {
    String md5 = request.header("content-md5");
    if (request.headers().containsKey("content-md5") && !MD5.matcher(md5).matches()) {
      throw new S3Exception("InvalidDigest", 400, "The Content-MD5 you specified was invalid.");
    }
  }

  private static S3Exception badDigest(String what) {
    return new S3Exception(
        "BadDigest", 400, "The " + what + " you specified did not match the calculated checksum.");
  }
}
