package io.ryegrass.objects;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The answer to an {@link S3Request}. The body is written once; {@link #close} releases what it
 * holds and must be called also when the body is not written.
 *
 * @param contentLength value of the content-length header; for HEAD the length that a GET would
 *     have
 */
public record S3Response(
    int status, Map<String, String> headers, long contentLength, Body body, Runnable release)
    implements AutoCloseable {

  /** Writes the body. */
  @FunctionalInterface
  public interface Body {
    /** Writes all bytes; does not close. */
    void writeTo(OutputStream out) throws IOException;
  }

  private static final Body NONE = out -> {};

  static S3Response empty(int status, Map<String, String> headers) {
    return new S3Response(status, headers, 0, NONE, () -> {});
  }

  static S3Response head(int status, Map<String, String> headers, long contentLength) {
    return new S3Response(status, headers, contentLength, NONE, () -> {});
  }

  static S3Response xml(int status, String xml) {
    byte[] bytes = xml.getBytes(StandardCharsets.UTF_8);
    return new S3Response(
        status,
        Map.of("content-type", "application/xml"),
        bytes.length,
        out -> out.write(bytes),
        () -> {});
  }

  static S3Response xml(int status, Map<String, String> headers, String xml) {
    S3Response plain = xml(status, xml);
    Map<String, String> all = new LinkedHashMap<>(plain.headers());
    all.putAll(headers);
    return new S3Response(status, all, plain.contentLength(), plain.body(), plain.release());
  }

  S3Response with(String name, String value) {
    Map<String, String> more = new LinkedHashMap<>(headers);
    more.put(name, value);
    return new S3Response(status, more, contentLength, body, release);
  }

  @Override
  public void close() {
    release.run();
  }
}
