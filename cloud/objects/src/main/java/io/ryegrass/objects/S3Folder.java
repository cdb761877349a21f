package io.ryegrass.objects;

/** The S3 API over a local folder. */
final class S3Folder implements S3Backend {
  private final S3Buckets buckets;
  private final S3Settings settings;
  private final S3Listings listings;
  private final S3Objects objects;
  private final S3Uploads uploads;
  private final S3Tags tags;

  S3Folder(FolderStore store, String region, long maxBytes) {
    this.buckets = new S3Buckets(store, region);
    this.settings = new S3Settings(store);
    this.listings = new S3Listings(store);
    this.objects = new S3Objects(store, maxBytes);
    this.uploads = new S3Uploads(store, maxBytes);
    this.tags = new S3Tags(store);
  }

  @Override
  public S3Response answer(S3Call call) {
    if (call.bucket().isEmpty()) {
      if (!call.request().method().equals("GET") || !call.key().isEmpty()) {
        throw S3Api.notImplemented(call);
      }
      return buckets.list(call);
    }
    return call.key().isEmpty() ? onBucket(call) : onObject(call);
  }

  private S3Response onBucket(S3Call call) {
    if (call.has("tagging")) {
      return tags.ofBucket(call);
    }
    if (settings.claims(call)) {
      return settings.handle(call);
    }
    return switch (call.request().method()) {
      case "PUT" -> buckets.create(call);
      case "HEAD" -> buckets.head(call);
      case "DELETE" -> buckets.delete(call);
      case "POST" -> {
        if (!call.has("delete")) {
          throw S3Api.notImplemented(call);
        }
        yield buckets.deleteObjects(call);
      }
      case "GET" ->
          call.has("location")
              ? buckets.location(call)
              : call.has("uploads")
                  ? listings.uploads(call)
                  : call.has("versions") ? listings.versions(call) : listings.objects(call);
      default -> throw S3Api.notImplemented(call);
    };
  }

  private S3Response onObject(S3Call call) {
    for (String name :
        new String[] {"retention", "legal-hold", "torrent", "restore", "select", "renameObject"}) {
      if (call.has(name)) {
        throw S3Api.notImplemented(call);
      }
    }
    if (call.has("tagging")) {
      return tags.ofObject(call);
    }
    if (call.has("acl")) {
      return settings.objectAcl(call);
    }
    if (call.has("uploadId") || call.has("uploads")) {
      return uploads.handle(call);
    }
    return objects.handle(call);
  }
}
