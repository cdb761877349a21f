package io.ryegrass.objects;

import io.ryegrass.awssignature.AccessKey;
import io.ryegrass.awssignature.Credentials;
import io.ryegrass.awssignature.SigV4Signer;
import io.ryegrass.durable.DurableFiles;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;

/**
 * The store's own signing key. It is good for nothing but presigned GETs: the API refuses any other
 * request signed with it. Made once, kept in a file that only the owner may read.
 */
final class PresignKey {
  private final String id;
  private final String secret;

  private PresignKey(String id, String secret) {
    this.id = id;
    this.secret = secret;
  }

  static PresignKey openOrCreate(Path file) {
    Optional<byte[]> stored = DurableFiles.read(file);
    String text;
    if (stored.isPresent()) {
      text = new String(stored.get(), StandardCharsets.US_ASCII);
    } else {
      byte[] random = new byte[38];
      new SecureRandom().nextBytes(random);
      String hex = HexFormat.of().formatHex(random);
      text = "RGPS" + hex.substring(0, 16).toUpperCase(Locale.ROOT) + "\n" + hex.substring(16);
      DurableFiles.writeAtomically(
          file, text.getBytes(StandardCharsets.US_ASCII), DurableFiles.OWNER_ONLY);
    }
    int line = text.indexOf('\n');
    if (line < 0) {
      throw new S3Exception(
          "InternalError", 500, file + " is damaged; delete it and start again, it is made anew");
    }
    return new PresignKey(text.substring(0, line), text.substring(line + 1));
  }

  String id() {
    return id;
  }

  AccessKey accessKey() {
    return new AccessKey(id, secret, null, null, this);
  }

  String presignGet(
      URI base, String region, String bucket, String key, Duration validity, Instant now) {
    String path = "/" + UriText.encode(bucket, false) + "/" + UriText.encode(key, true);
    String root = base.toString();
    URI uri = URI.create((root.endsWith("/") ? root.substring(0, root.length() - 1) : root) + path);
    return SigV4Signer.presign(
        new Credentials(id, secret, null), region, "s3", "GET", uri, validity, now);
  }
}
