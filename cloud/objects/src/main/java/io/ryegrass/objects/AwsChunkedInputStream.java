package io.ryegrass.objects;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The data inside an {@code aws-chunked} body: chunks of the form {@code
 * size[;chunk-signature=…]\r\n data \r\n}, a last one of size zero, then trailing headers
 * (checksums) and an empty line. With signatures each chunk is checked when its end is reached, so
 * that the caller must not trust the data before the stream has ended.
 */
final class AwsChunkedInputStream extends InputStream {
  private static final int MAX_LINE = 8192;
  private static final String CHUNK_SIGNATURE = "chunk-signature=";
  private static final String TRAILER_SIGNATURE = "x-amz-trailer-signature";

  private final InputStream in;
  private final @Nullable ChunkSignatures signatures;
  private final boolean trailersExpected;
  private final Map<String, String> trailers = new LinkedHashMap<>();
  private MessageDigest chunkHash = Checksums.digest("SHA-256");
  private String chunkSignature = "";
  private long leftInChunk;
  private boolean started;
  private boolean ended;

  AwsChunkedInputStream(
      InputStream body, @Nullable ChunkSignatures signatures, boolean trailersExpected) {
    this.in = new BufferedInputStream(body, 1 << 16);
    this.signatures = signatures;
    this.trailersExpected = trailersExpected;
  }

  /** The trailing headers by lower-case name; complete once the stream has ended. */
  Map<String, String> trailers() {
    return trailers;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] buffer, int offset, int count) throws IOException {
    if (count == 0) {
      return 0;
    }
    while (leftInChunk == 0) {
      if (ended) {
        return -1;
      }
      nextChunk();
    }
    int n = in.read(buffer, offset, (int) Math.min(count, leftInChunk));
    if (n < 0) {
      throw incomplete();
    }
    leftInChunk -= n;
    if (signatures != null) {
      chunkHash.update(buffer, offset, n);
    }
    return n;
  }

  private void nextChunk() throws IOException {
    if (started) {
      if (!line().isEmpty()) {
        throw malformed();
      }
      finishChunk();
    }
    started = true;
    String header = line();
    int semicolon = header.indexOf(';');
    String size = semicolon < 0 ? header : header.substring(0, semicolon);
    int at = header.indexOf(CHUNK_SIGNATURE);
    chunkSignature = at < 0 ? "" : header.substring(at + CHUNK_SIGNATURE.length()).strip();
    try {
      leftInChunk = Long.parseLong(size.strip(), 16);
    } catch (NumberFormatException e) {
      throw malformed();
    }
    if (leftInChunk < 0) {
      throw malformed();
    }
    if (leftInChunk == 0) {
      finishChunk();
      readTrailers();
      ended = true;
    }
  }

  private void finishChunk() {
    if (signatures != null) {
      signatures.checkChunk(chunkHash.digest(), chunkSignature);
      chunkHash = Checksums.digest("SHA-256");
    }
  }

  private void readTrailers() throws IOException {
    StringBuilder canonical = new StringBuilder();
    String signature = "";
    for (String line = lineOrEnd(); !line.isEmpty(); line = lineOrEnd()) {
      int colon = line.indexOf(':');
      if (colon < 0) {
        throw malformed();
      }
      String name = line.substring(0, colon).strip().toLowerCase(Locale.ROOT);
      String value = line.substring(colon + 1).strip();
      if (name.equals(TRAILER_SIGNATURE)) {
        signature = value;
      } else {
        trailers.put(name, value);
        canonical.append(name).append(':').append(value).append('\n');
      }
    }
    if (signatures != null && trailersExpected) {
      signatures.checkTrailer(canonical.toString(), signature);
    }
  }

  private String line() throws IOException {
    StringBuilder line = new StringBuilder();
    for (int c = in.read(); c != '\n'; c = in.read()) {
      if (c < 0) {
        throw incomplete();
      }
      if (line.length() == MAX_LINE) {
        throw malformed();
      }
      line.append((char) c);
    }
    return line.toString().stripTrailing();
  }

  /** Some clients end the body without the last empty line. */
  private String lineOrEnd() throws IOException {
    in.mark(1);
    if (in.read() < 0) {
      return "";
    }
    in.reset();
    return line();
  }

  private static S3Exception incomplete() {
    return new S3Exception(
        "IncompleteBody",
        400,
        "You did not provide the number of bytes specified by the chunks of the body");
  }

  private static S3Exception malformed() {
    return new S3Exception(
        "InvalidRequest", 400, "The body is not in the form of the encoding aws-chunked");
  }
}
