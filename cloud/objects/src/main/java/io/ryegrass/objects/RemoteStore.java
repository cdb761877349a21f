package io.ryegrass.objects;

import io.ryegrass.durable.DurableFiles;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Buckets and objects on another S3-compatible server. Nothing of them is kept here: what that
 * server answers is what is. Presigned URLs lead through this cloud, so that devices need not reach
 * the server.
 */
final class RemoteStore extends ObjectStore {
  private static final int LARGEST_ERROR = 64 << 10;

  private final RemoteServer server;
  private final RemoteClient client;
  private final Clock clock;
  private final PresignKey presignKey;
  private final Staging staging;

  RemoteStore(Path folder, RemoteServer server, Clock clock) {
    DurableFiles.createDirectories(folder);
    this.server = server;
    this.clock = clock;
    this.client = new RemoteClient(server, clock);
    this.presignKey = PresignKey.openOrCreate(folder.resolve("presign-key"));
    this.staging = new Staging(folder.resolve("staging"));
  }

  @Override
  public boolean createBucket(String bucket) {
    BucketNames.check(bucket);
    if (bucketExists(bucket)) {
      return false;
    }
    boolean home = server.region().equals("us-east-1");
    byte[] document =
        home
            ? new byte[0]
            : S3Xml.document("CreateBucketConfiguration")
                .element("LocationConstraint", server.region())
                .end("CreateBucketConfiguration")
                .getBytes(StandardCharsets.UTF_8);
    try (InputStream answer =
        ask("PUT", path(bucket, ""), Map.of(), document, List.of(200, 409)).body()) {
      return answer != null;
    } catch (IOException e) {
      throw S3Exception.io("making bucket '" + bucket + "'", e);
    }
  }

  @Override
  public boolean bucketExists(String bucket) {
    try (InputStream answer =
        ask("HEAD", path(bucket, ""), Map.of(), new byte[0], List.of()).body()) {
      return answer != null;
    } catch (S3Exception e) {
      if (e.status() == 404) {
        return false;
      }
      throw e;
    } catch (IOException e) {
      throw S3Exception.io("looking for bucket '" + bucket + "'", e);
    }
  }

  @Override
  public ObjectInfo put(String bucket, String key, byte[] body) {
    BucketNames.checkKey(key);
    HttpResponse<InputStream> response = ask("PUT", path(bucket, key), Map.of(), body, List.of());
    close(response);
    return info(key, response.headers().map(), body.length);
  }

  @Override
  public Optional<StoredObject> get(String bucket, String key, String versionId) {
    BucketNames.checkKey(key);
    Map<String, String> query = versionId.isEmpty() ? Map.of() : Map.of("versionId", versionId);
    try {
      HttpResponse<InputStream> head =
          ask("HEAD", path(bucket, key), query, new byte[0], List.of());
      close(head);
      long size = head.headers().firstValueAsLong("content-length").orElse(0);
      ObjectInfo info = info(key, head.headers().map(), size);
      return Optional.of(
          new StoredObject(
              info, (from, length) -> range(bucket, key, query, info, from, length), () -> {}));
    } catch (S3Exception e) {
      if (e.status() != 404 && e.status() != 405) {
        throw e;
      }
      if (!bucketExists(bucket)) {
        throw S3Exception.noSuchBucket(bucket);
      }
      return Optional.empty();
    }
  }

  /** If-Match: what comes is of the object that was opened, or nothing. */
  private InputStream range(
      String bucket,
      String key,
      Map<String, String> query,
      ObjectInfo info,
      long from,
      long length) {
    if (length == 0) {
      return InputStream.nullInputStream();
    }
    Map<String, String> headers =
        Map.of(
            "range",
            "bytes=" + from + "-" + (from + length - 1),
            "if-match",
            "\"" + info.etag() + "\"");
    HttpResponse<InputStream> response =
        client.send(
            new RemoteClient.Request("GET", path(bucket, key), query, headers),
            RemoteClient.Body.NONE);
    refuseFailure(response, List.of());
    return client.body(response);
  }

  @Override
  public boolean delete(String bucket, String key) {
    close(ask("DELETE", path(bucket, key), Map.of(), new byte[0], List.of()));
    return true;
  }

  @Override
  public String presignGet(URI base, String region, String bucket, String key, Duration validity) {
    return presignKey.presignGet(base, region, bucket, key, validity, clock.instant());
  }

  private HttpResponse<InputStream> ask(
      String method, String path, Map<String, String> query, byte[] body, List<Integer> good) {
    HttpResponse<InputStream> response =
        client.send(
            new RemoteClient.Request(method, path, query, Map.of()),
            body.length == 0 ? RemoteClient.Body.NONE : RemoteClient.Body.of(body));
    refuseFailure(response, good);
    return response;
  }

  private void refuseFailure(HttpResponse<InputStream> response, List<Integer> good) {
    int status = response.statusCode();
    if (status / 100 == 2 || good.contains(status)) {
      return;
    }
    String text;
    try (InputStream in = client.body(response)) {
      text = new String(in.readNBytes(LARGEST_ERROR), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw S3Exception.io("reading an answer of " + server.endpoint(), e);
    }
    String code = between(text, "<Code>", "</Code>");
    String message = between(text, "<Message>", "</Message>");
    throw new S3Exception(
        code.isEmpty() ? "ServiceUnavailable" : code,
        status,
        "The object server "
            + server.endpoint()
            + " answered "
            + status
            + (message.isEmpty() ? "" : ": " + message));
  }

  private static String between(String text, String open, String close) {
    int from = text.indexOf(open);
    int to = from < 0 ? -1 : text.indexOf(close, from);
    return to < 0 ? "" : text.substring(from + open.length(), to);
  }

  private ObjectInfo info(String key, Map<String, List<String>> headers, long size) {
    Map<String, String> kept = new HashMap<>();
    headers.forEach(
        (name, values) -> {
          if (name.startsWith("x-amz-meta-")) {
            kept.put(name, values.getFirst());
          }
        });
    return new ObjectInfo(
        key,
        first(headers, "x-amz-version-id", ObjectInfo.NULL_VERSION),
        size,
        first(headers, "etag", "").replace("\"", ""),
        modified(first(headers, "last-modified", "")),
        first(headers, "content-type", ObjectInfo.DEFAULT_TYPE),
        kept,
        Map.of(),
        Map.of(),
        List.of());
  }

  private Instant modified(String header) {
    try {
      return header.isEmpty()
          ? clock.instant()
          : DateTimeFormatter.RFC_1123_DATE_TIME.parse(header, Instant::from);
    } catch (DateTimeException e) {
      return clock.instant();
    }
  }

  private static String first(Map<String, List<String>> headers, String name, String otherwise) {
    List<String> values = headers.get(name);
    return values == null || values.isEmpty() ? otherwise : values.getFirst();
  }

  private static void close(HttpResponse<InputStream> response) {
    try {
      response.body().close();
    } catch (IOException e) {
      throw S3Exception.io("reading an answer", e);
    }
  }

  String path(String bucket, String key) {
    return "/" + server.there(bucket) + (key.isEmpty() ? "" : "/" + UriText.encode(key, true));
  }

  RemoteServer server() {
    return server;
  }

  RemoteClient client() {
    return client;
  }

  Staging staging() {
    return staging;
  }

  PresignKey presignKey() {
    return presignKey;
  }

  Clock clock() {
    return clock;
  }

  @Override
  public void close() {
    client.close();
  }
}
