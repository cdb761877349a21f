package io.ryegrass.objects;

import io.ryegrass.awsapi.ApiRequest;
import io.ryegrass.awsapi.ApiResponse;
import io.ryegrass.awssignature.AccessKey;
import io.ryegrass.awssignature.HttpRequestToSign;
import io.ryegrass.awssignature.SigV2UrlVerifier;
import io.ryegrass.awssignature.SigV4Verifier;
import io.ryegrass.awssignature.SignatureException;
import io.ryegrass.identity.IdentityService;
import io.ryegrass.policy.PolicyDocument;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Clock;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The S3 API over an {@link ObjectStore}: path-style requests ({@code /bucket/key}) and {@code
 * bucket.localhost} as host. Safe for many threads; bodies go through a file, not through the heap,
 * when the streaming face is used.
 */
public final class S3Api {
  /** The largest body (and part) accepted unless told otherwise. */
  public static final long DEFAULT_MAX_BODY_BYTES = 5L << 30;

  private static final Logger LOG = LoggerFactory.getLogger(S3Api.class);
  private static final Pattern HASH = Pattern.compile("[0-9a-fA-F]{64}");
  private static final String VIRTUAL_HOST = ".localhost";
  private static final String HOST_ID = "ryegrass";

  private final SigV4Verifier callers;
  private final SigV2UrlVerifier oldUrls;
  private final SigV4Verifier ownUrls;
  private final String region;
  private final PresignKey own;
  private final S3Decision decision;
  private final Function<String, @Nullable PolicyDocument> policies;
  private final S3Backend backend;

  /** An API for region us-east-1 with the default bound for bodies. */
  public S3Api(ObjectStore store, SigV4Verifier verifier, IdentityService identity) {
    this(store, verifier, identity, "us-east-1", DEFAULT_MAX_BODY_BYTES);
  }

  /**
   * An API.
   *
   * @param verifier knows the access keys; their identities are {@link
   *     io.ryegrass.identity.CallerIdentity}
   * @param region told to those who ask where a bucket is
   * @param maxBodyBytes largest object or part in one request
   */
  public S3Api(
      ObjectStore store,
      SigV4Verifier verifier,
      IdentityService identity,
      String region,
      long maxBodyBytes) {
    this(store, verifier, S3Decision.of(identity), region, maxBodyBytes);
  }

  S3Api(
      ObjectStore store,
      SigV4Verifier verifier,
      S3Decision decision,
      String region,
      long maxBytes) {
    this.callers = verifier;
    this.oldUrls = verifier.urlsOfVersion2();
    this.region = region;
    this.decision = decision;
    this.policies = bucket -> S3Decision.policyOf(store, bucket);
    Clock clock;
    switch (store) {
      case FolderStore folder -> {
        this.backend = new S3Folder(folder, region, maxBytes);
        this.own = folder.presignKey();
        clock = folder.clock();
      }
      case RemoteStore remote -> {
        this.backend = new S3Forward(remote, maxBytes);
        this.own = remote.presignKey();
        clock = remote.clock();
      }
    }
    this.ownUrls =
        new SigV4Verifier(
            id -> id.equals(own.id()) ? Optional.of(own.accessKey()) : Optional.empty(), clock);
  }

  /** Whether a request is signed for S3, by header or in the URL. */
  public boolean claims(ApiRequest request) {
    return claims(request.method(), request.rawPath(), request.rawQuery(), request.headers());
  }

  /** The same, before the body is read. */
  public boolean claims(
      String method, String rawPath, String rawQuery, Map<String, List<String>> headers) {
    return SigV2UrlVerifier.claims(rawQuery)
        || SigV4Verifier.claimedService(new HttpRequestToSign(method, rawPath, rawQuery, headers))
            .filter("s3"::equals)
            .isPresent();
  }

  /**
   * Answers a request whose body is in memory. For HEAD the length of the object stands in the
   * header {@code content-length}, which the server must send as it is.
   */
  public ApiResponse handle(ApiRequest request) {
    try (S3Response response =
        handle(
            new S3Request(
                request.method(),
                request.rawPath(),
                request.rawQuery(),
                request.headers(),
                new ByteArrayInputStream(request.body())))) {
      ByteArrayOutputStream body = new ByteArrayOutputStream();
      response.body().writeTo(body);
      Map<String, String> headers = new LinkedHashMap<>(response.headers());
      if (request.method().equals("HEAD")) {
        headers.put("content-length", Long.toString(response.contentLength()));
      }
      return new ApiResponse(response.status(), headers, body.toByteArray());
    } catch (IOException e) {
      LOG.error("reading an object for {} failed: {}", request.rawPath(), e.getMessage());
      return new ApiResponse(500, Map.of(), new byte[0]);
    }
  }

  /** Answers a request; never throws for anything the request contains. Close the response. */
  public S3Response handle(S3Request request) {
    String requestId = UUID.randomUUID().toString().replace("-", "").toUpperCase(Locale.ROOT);
    S3Response response;
    try {
      response = backend.answer(authenticate(request));
    } catch (SignatureException e) {
      response =
          error(
              request,
              requestId,
              new S3Exception(
                  e.awsCode(SignatureException.Dialect.S3),
                  e.status(),
                  String.valueOf(e.getMessage()),
                  e));
    } catch (S3Exception e) {
      if (e.status() >= 500 && e.status() != 501) {
        LOG.error("{} {}: {}", request.method(), request.rawPath(), e.getMessage(), e);
      }
      response = error(request, requestId, e);
    } catch (RuntimeException e) {
      LOG.error("{} {} failed", request.method(), request.rawPath(), e);
      response =
          error(
              request,
              requestId,
              new S3Exception(
                  "InternalError", 500, "We encountered an internal error. Please try again."));
    }
    return response.with("x-amz-request-id", requestId);
  }

  private S3Call authenticate(S3Request request) {
    Map<String, String> query = UriText.query(request.rawQuery());
    HttpRequestToSign signed =
        new HttpRequestToSign(
            request.method(), request.rawPath(), request.rawQuery(), request.headers());
    if (SigV2UrlVerifier.claims(request.rawQuery())) {
      return called(request, query, oldUrls.verify(signed, resource(request)), region, false);
    }
    if (request.header("authorization").startsWith("AWS ")) {
      throw new S3Exception(
          "InvalidRequest",
          400,
          "The authorization mechanism you have provided is not supported. Please use"
              + " AWS4-HMAC-SHA256 (AWS CLI 1: aws configure set s3.signature_version s3v4).");
    }
    String declared = request.header("x-amz-content-sha256");
    boolean ownUrl = query.getOrDefault("X-Amz-Credential", "").startsWith(own.id() + "/");
    SigV4Verifier.Verified verified =
        (ownUrl ? ownUrls : callers)
            .verify(
                signed,
                () -> {
                  // The hash that was signed; S3Call.stage compares it with the body's own.
                  if (!HASH.matcher(declared).matches()) {
                    throw new S3Exception(
                        "InvalidRequest",
                        400,
                        "Missing required header for this request: x-amz-content-sha256");
                  }
                  return declared;
                });
    if (!verified.service().equals("s3")) {
      throw new S3Exception(
          "AuthorizationHeaderMalformed",
          400,
          "The authorization header is malformed; incorrect service '"
              + verified.service()
              + "'. This endpoint belongs to 's3'.");
    }
    return called(request, query, verified.key(), verified.region(), ownUrl);
  }

  /** Bucket and key as Signature Version 2 signs them. */
  private static String resource(S3Request request) {
    String bucket = virtualHost(request);
    return (bucket.isEmpty() ? "" : "/" + bucket) + request.rawPath();
  }

  private S3Call called(
      S3Request request,
      Map<String, String> query,
      AccessKey signer,
      String signedRegion,
      boolean ownUrl) {
    String[] place = place(request);
    boolean internal = ObjectStore.isInternal(place[0]);
    Map<String, String> keys = conditionKeys(query, place[1]);
    S3Call.Access access =
        ownUrl
            ? (action, resource) -> action.equals("s3:GetObject")
            : (action, resource) ->
                !internal
                    && decision.allows(
                        signer.identity(),
                        action,
                        resource,
                        policies.apply(bucketOf(resource)),
                        keys);
    return new S3Call(request, place[0], place[1], query, signer, signedRegion, access);
  }

  /** What policies may ask about a listing. */
  private static Map<String, String> conditionKeys(Map<String, String> query, String key) {
    Map<String, String> keys = new LinkedHashMap<>();
    if (key.isEmpty()) {
      for (String name : List.of("prefix", "delimiter", "max-keys")) {
        String value = query.get(name);
        if (value != null) {
          keys.put("s3:" + name, value);
        }
      }
    } else if (query.containsKey("versionId")) {
      keys.put("s3:VersionId", query.getOrDefault("versionId", ""));
    }
    return keys;
  }

  /** A copy reads from another bucket than that of the request. */
  private static String bucketOf(String arn) {
    String place = arn.substring(arn.lastIndexOf(":::") + ":::".length());
    int slash = place.indexOf('/');
    return slash < 0 ? place : place.substring(0, slash);
  }

  /** The bucket that the host names; empty when the path does. */
  private static String virtualHost(S3Request request) {
    String host = request.header("host");
    int colon = host.lastIndexOf(':');
    host = colon < 0 ? host : host.substring(0, colon);
    return host.endsWith(VIRTUAL_HOST)
        ? host.substring(0, host.length() - VIRTUAL_HOST.length())
        : "";
  }

  /** Bucket and key. */
  private static String[] place(S3Request request) {
    String path = request.rawPath().startsWith("/") ? request.rawPath().substring(1) : "";
    String bucket = virtualHost(request);
    if (!bucket.isEmpty()) {
      return new String[] {bucket, UriText.decode(path, false)};
    }
    int slash = path.indexOf('/');
    return slash < 0
        ? new String[] {UriText.decode(path, false), ""}
        : new String[] {
          UriText.decode(path.substring(0, slash), false),
          UriText.decode(path.substring(slash + 1), false)
        };
  }

  static S3Exception notImplemented(S3Call call) {
    return new S3Exception(
        "NotImplemented",
        501,
        "This part of the S3 API is not served here: "
            + call.request().method()
            + " "
            + call.request().rawPath()
            + (call.request().rawQuery().isEmpty() ? "" : "?" + call.request().rawQuery()));
  }

  private static S3Response error(S3Request request, String requestId, S3Exception fault) {
    Map<String, String> headers = new LinkedHashMap<>(fault.headers());
    if (fault.code().equals("MethodNotAllowed")) {
      fault.with("Method", request.method());
    }
    if (request.method().equals("HEAD")) {
      headers.put("content-type", "application/xml");
      return S3Response.empty(fault.status(), headers);
    }
    String message = fault.getMessage() == null ? fault.code() : fault.getMessage();
    return S3Response.xml(
        fault.status(),
        headers,
        S3Xml.error(fault.code(), message, fault.details(), request.rawPath(), requestId, HOST_ID));
  }
}
