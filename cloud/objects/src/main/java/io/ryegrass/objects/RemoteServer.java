package io.ryegrass.objects;

import io.ryegrass.awssignature.Credentials;
import java.net.URI;
import java.util.regex.Pattern;

/**
 * Another S3-compatible server, and how this cloud is known there.
 *
 * @param endpoint scheme, host and port; buckets are addressed in the path
 * @param region of the server's signatures, {@code us-east-1} for most
 * @param bucketPrefix stands before the names of all buckets there, so that several clouds may
 *     share a server; may be empty
 */
public record RemoteServer(
    URI endpoint, String region, String bucketPrefix, Credentials credentials) {
  private static final Pattern PREFIX = Pattern.compile("[a-z0-9][a-z0-9-]{0,29}|");

  /** Stands for the dot of the program's own buckets, which other servers do not take. */
  private static final String OWN = "ryegrass-own-";

  /**
   * @throws IllegalArgumentException with a sentence for the operator
   */
  public RemoteServer {
    boolean http = endpoint.getScheme() != null && endpoint.getScheme().matches("https?");
    boolean bare = endpoint.getRawPath() == null || endpoint.getRawPath().matches("/?");
    if (!http || endpoint.getHost() == null || !bare || endpoint.getRawQuery() != null) {
      throw new IllegalArgumentException(
          "'" + endpoint + "' is no address of a server; write https://HOST or https://HOST:PORT");
    }
    if (!PREFIX.matcher(bucketPrefix).matches()) {
      throw new IllegalArgumentException(
          "'"
              + bucketPrefix
              + "' cannot stand before names of buckets; use up to 30 of lower-case letters,"
              + " digits and hyphens");
    }
  }

  /** The name that a bucket has there. */
  String there(String bucket) {
    return bucketPrefix + (ObjectStore.isInternal(bucket) ? OWN + bucket.substring(1) : bucket);
  }

  /** Whether a caller's name for a bucket would reach one of the program's own. */
  static boolean isReserved(String bucket) {
    return bucket.startsWith(OWN) || ObjectStore.isInternal(bucket);
  }

  /** The host header of requests to it. */
  String host() {
    boolean usual =
        endpoint.getPort() < 0
            || endpoint.getPort() == (endpoint.getScheme().equals("https") ? 443 : 80);
    return usual ? endpoint.getHost() : endpoint.getHost() + ":" + endpoint.getPort();
  }
}
