package io.ryegrass.objects;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The S3 API over another server: a caller's signature and policies are judged here, then the
 * request goes on with the cloud's own signature. Bodies are received whole (on the disk) and
 * checked before that server sees them.
 */
final class S3Forward implements S3Backend {
  private static final int LARGEST_DOCUMENT = 16 << 20;
  private static final Set<String> ON_BUCKETS =
      Set.of("location", "versioning", "uploads", "versions", "tagging", "delete");
  private static final Set<String> ON_OBJECTS =
      Set.of("uploads", "uploadId", "partNumber", "tagging", "attributes", "versionId");
  private static final Set<String> PLAIN =
      Set.of(
          "prefix",
          "delimiter",
          "marker",
          "max-keys",
          "encoding-type",
          "list-type",
          "continuation-token",
          "start-after",
          "fetch-owner",
          "key-marker",
          "version-id-marker",
          "upload-id-marker",
          "max-uploads",
          "max-parts",
          "part-number-marker",
          "x-id");
  private static final Set<String> SENT =
      Set.of(
          "content-type",
          "cache-control",
          "content-disposition",
          "content-language",
          "expires",
          "range",
          "if-match",
          "if-none-match",
          "if-modified-since",
          "if-unmodified-since");
  private static final Set<String> NOT_SENT =
      Set.of(
          "x-amz-content-sha256",
          "x-amz-date",
          "x-amz-security-token",
          "x-amz-decoded-content-length",
          "x-amz-trailer",
          "x-amz-sdk-checksum-algorithm",
          "x-amz-user-agent");
  private static final Set<String> RETURNED =
      Set.of(
          "content-type",
          "content-encoding",
          "content-disposition",
          "content-language",
          "content-range",
          "cache-control",
          "expires",
          "etag",
          "last-modified",
          "accept-ranges");

  private final RemoteStore store;
  private final long maxBytes;

  S3Forward(RemoteStore store, long maxBytes) {
    this.store = store;
    this.maxBytes = maxBytes;
  }

  @Override
  public S3Response answer(S3Call call) {
    if (call.bucket().isEmpty()) {
      if (!call.request().method().equals("GET")) {
        throw S3Api.notImplemented(call);
      }
      return listBuckets(call);
    }
    refuseUnknown(call);
    if (RemoteServer.isReserved(call.bucket()) && !call.internal()) {
      throw S3Call.denied("s3:*", "arn:aws:s3:::" + call.bucket());
    }
    S3Actions.require(call);
    StagedObject staged =
        call.request().method().matches("PUT|POST")
            ? call.stage(store.staging(), maxBytes, !call.has("uploadId") || call.has("partNumber"))
            : null;
    try {
      if (call.has("delete") && staged != null) {
        S3Actions.requireDeletions(call, text(staged));
      }
      return forward(call, staged);
    } finally {
      if (staged != null) {
        store.staging().discard(staged);
      }
    }
  }

  private static void refuseUnknown(S3Call call) {
    Set<String> known = call.key().isEmpty() ? ON_BUCKETS : ON_OBJECTS;
    for (String name : call.query().keySet()) {
      if (!known.contains(name)
          && !PLAIN.contains(name)
          && !name.startsWith("X-Amz-")
          && !name.startsWith("response-")) {
        throw S3Api.notImplemented(call);
      }
    }
    S3Headers.refuseUnkept(call);
  }

  private S3Response forward(S3Call call, @Nullable StagedObject staged) {
    Map<String, String> query = new LinkedHashMap<>(call.query());
    query.keySet().removeIf(name -> name.startsWith("X-Amz-"));
    Map<String, String> headers = headers(call);
    if (staged != null) {
      staged
          .checksums()
          .named()
          .forEach((name, value) -> headers.put("x-amz-checksum-" + name, value));
    }
    HttpResponse<InputStream> response =
        store
            .client()
            .send(
                new RemoteClient.Request(
                    call.request().method(), store.path(call.bucket(), call.key()), query, headers),
                staged == null || staged.size() == 0
                    ? RemoteClient.Body.NONE
                    : RemoteClient.Body.of(staged));
    return returned(call, response);
  }

  private Map<String, String> headers(S3Call call) {
    Map<String, String> headers = new LinkedHashMap<>();
    call.request()
        .headers()
        .forEach(
            (name, values) -> {
              if (SENT.contains(name) || name.startsWith("x-amz-") && !NOT_SENT.contains(name)) {
                headers.put(name, String.join(",", values));
              }
            });
    String encoding = S3Headers.kept(call).get("content-encoding");
    if (encoding != null) {
      headers.put("content-encoding", encoding);
    }
    String source = headers.get("x-amz-copy-source");
    if (source != null) {
      S3Copy.Source from = S3Copy.Source.of(call);
      if (RemoteServer.isReserved(from.bucket())) {
        throw S3Call.denied("s3:GetObject", "arn:aws:s3:::" + from.bucket() + "/" + from.key());
      }
      headers.put(
          "x-amz-copy-source",
          store.path(from.bucket(), from.key())
              + (from.versionId().isEmpty() ? "" : "?versionId=" + from.versionId()));
    }
    return headers;
  }

  private S3Response returned(S3Call call, HttpResponse<InputStream> response) {
    Map<String, String> headers = new LinkedHashMap<>();
    response
        .headers()
        .map()
        .forEach(
            (name, values) -> {
              boolean amazon =
                  name.startsWith("x-amz-")
                      && !name.equals("x-amz-request-id")
                      && !name.equals("x-amz-id-2");
              if (RETURNED.contains(name) || amazon) {
                headers.put(name, values.getFirst());
              }
            });
    long length = response.headers().firstValueAsLong("content-length").orElse(-1);
    String method = call.request().method();
    if (method.equals("HEAD")) {
      close(response);
      return S3Response.head(response.statusCode(), headers, Math.max(0, length));
    }
    boolean object =
        method.equals("GET")
            && !call.key().isEmpty()
            && response.statusCode() / 100 == 2
            && !call.has("tagging")
            && !call.has("attributes")
            && !call.has("uploadId");
    if (object && length >= 0) {
      InputStream body = store.client().body(response);
      return new S3Response(
          response.statusCode(), headers, length, body::transferTo, () -> close(response));
    }
    byte[] document = rename(call, read(response));
    return new S3Response(
        response.statusCode(), headers, document.length, out -> out.write(document), () -> {});
  }

  /** Puts the caller's name of the bucket into an answer. */
  private byte[] rename(S3Call call, byte[] document) {
    String there = store.server().there(call.bucket());
    if (there.equals(call.bucket())) {
      return document;
    }
    String text = new String(document, StandardCharsets.UTF_8);
    for (String element : List.of("Name", "Bucket", "BucketName")) {
      String open = "<" + element + ">";
      text = text.replace(open + there + "</", open + call.bucket() + "</");
    }
    return text.replace("/" + there, "/" + call.bucket()).getBytes(StandardCharsets.UTF_8);
  }

  private S3Response listBuckets(S3Call call) {
    call.require("s3:ListAllMyBuckets", "arn:aws:s3:::*");
    HttpResponse<InputStream> response =
        store
            .client()
            .send(new RemoteClient.Request("GET", "/", Map.of(), Map.of()), RemoteClient.Body.NONE);
    byte[] document = read(response);
    if (response.statusCode() != 200) {
      return new S3Response(
          response.statusCode(),
          Map.of("content-type", "application/xml"),
          document.length,
          out -> out.write(document),
          () -> {});
    }
    S3Xml.Node answer =
        S3Xml.read(new String(document, StandardCharsets.UTF_8), "ListAllMyBucketsResult");
    S3Xml xml = S3Xml.document("ListAllMyBucketsResult");
    S3Buckets.owner(xml, "Owner");
    xml.open("Buckets");
    String prefix = store.server().bucketPrefix();
    for (S3Xml.Node buckets : answer.all("Buckets")) {
      for (S3Xml.Node bucket : buckets.all("Bucket")) {
        String name = bucket.value("Name");
        String here = name.startsWith(prefix) ? name.substring(prefix.length()) : "";
        if (!here.isEmpty() && !RemoteServer.isReserved(here)) {
          xml.open("Bucket")
              .element("Name", here)
              .element("CreationDate", bucket.value("CreationDate"))
              .close("Bucket");
        }
      }
    }
    return S3Response.xml(200, xml.close("Buckets").end("ListAllMyBucketsResult"));
  }

  private byte[] read(HttpResponse<InputStream> response) {
    try (InputStream in = store.client().body(response)) {
      byte[] document = in.readNBytes(LARGEST_DOCUMENT + 1);
      if (document.length > LARGEST_DOCUMENT) {
        throw new S3Exception(
            "ServiceUnavailable", 503, "The object server's answer is larger than 16 MiB");
      }
      return document;
    } catch (IOException e) {
      throw S3Exception.io("reading an answer of " + store.server().endpoint(), e);
    }
  }

  private static String text(StagedObject staged) {
    try {
      if (staged.size() > LARGEST_DOCUMENT) {
        throw S3Exception.malformedXml();
      }
      return new String(java.nio.file.Files.readAllBytes(staged.file()), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw S3Exception.io("reading the request", e);
    }
  }

  private static void close(HttpResponse<InputStream> response) {
    try {
      response.body().close();
    } catch (IOException e) {
      throw S3Exception.io("closing an answer", e);
    }
  }
}
