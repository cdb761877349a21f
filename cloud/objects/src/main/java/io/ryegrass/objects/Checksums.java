package io.ryegrass.objects;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;
import java.util.zip.Checksum;

/**
 * All checksums that S3 knows, taken while a body streams by: MD5 and SHA-256 always, the algorithm
 * that the client named beside them.
 */
final class Checksums {
  private final MessageDigest md5 = digest("MD5");
  private final MessageDigest sha256 = digest("SHA-256");
  private final Map<String, Checksum> crcs = new LinkedHashMap<>();
  private final Map<String, MessageDigest> digests = new LinkedHashMap<>();

  /**
   * Adds an algorithm.
   *
   * @throws S3Exception {@code InvalidRequest} when S3 has none of that name
   */
  void add(String lowerCaseAlgorithm) {
    switch (lowerCaseAlgorithm) {
      case "crc32" -> crcs.put(lowerCaseAlgorithm, new CRC32());
      case "crc32c" -> crcs.put(lowerCaseAlgorithm, new CRC32C());
      case "crc64nvme" -> crcs.put(lowerCaseAlgorithm, new Crc64Nvme());
      case "sha1" -> digests.put(lowerCaseAlgorithm, digest("SHA-1"));
      case "sha256" -> digests.put(lowerCaseAlgorithm, digest("SHA-256"));
      default ->
          throw new S3Exception(
              "InvalidRequest",
              400,
              "Checksum algorithm '"
                  + lowerCaseAlgorithm
                  + "' is unknown; use crc32, crc32c, crc64nvme, sha1 or sha256");
    }
  }

  void update(byte[] buffer, int offset, int length) {
    md5.update(buffer, offset, length);
    sha256.update(buffer, offset, length);
    crcs.values().forEach(c -> c.update(buffer, offset, length));
    digests.values().forEach(d -> d.update(buffer, offset, length));
  }

  /** Ends the calculation. */
  Result result() {
    Map<String, String> values = new LinkedHashMap<>();
    crcs.forEach(
        (name, crc) -> {
          int bytes = crc instanceof Crc64Nvme ? 8 : 4;
          ByteBuffer buffer = ByteBuffer.allocate(bytes);
          if (bytes == 8) {
            buffer.putLong(crc.getValue());
          } else {
            buffer.putInt((int) crc.getValue());
          }
          values.put(name, Base64.getEncoder().encodeToString(buffer.array()));
        });
    digests.forEach((name, d) -> values.put(name, Base64.getEncoder().encodeToString(d.digest())));
    return new Result(md5.digest(), sha256.digest(), values);
  }

  /** The finished values; the named ones in base64. */
  record Result(byte[] md5, byte[] sha256, Map<String, String> named) {
    String etag() {
      return HexFormat.of().formatHex(md5);
    }

    String sha256Hex() {
      return HexFormat.of().formatHex(sha256);
    }
  }

  static String hex(String algorithm, byte[] data) {
    return HexFormat.of().formatHex(digest(algorithm).digest(data));
  }

  static MessageDigest digest(String algorithm) {
    try {
      return MessageDigest.getInstance(algorithm);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java lacks " + algorithm, e);
    }
  }

  /** CRC-64/NVME (reflected, polynomial 0xad93d23594c93659), the default of newer SDKs. */
  private static final class Crc64Nvme implements Checksum {
    private static final long[] TABLE = new long[256];

    static {
      for (int i = 0; i < 256; i++) {
        long crc = i;
        for (int bit = 0; bit < 8; bit++) {
          crc = (crc & 1) != 0 ? (crc >>> 1) ^ 0x9a6c9329ac4bc9b5L : crc >>> 1;
        }
        TABLE[i] = crc;
      }
    }

    private long value = -1;

    @Override
    public void update(int b) {
      value = TABLE[(int) ((value ^ b) & 0xff)] ^ (value >>> 8);
    }

    @Override
    public void update(byte[] b, int off, int len) {
      for (int i = off; i < off + len; i++) {
        update(b[i]);
      }
    }

    @Override
    public long getValue() {
      return ~value;
    }

    @Override
    public void reset() {
      value = -1;
    }
  }
}
