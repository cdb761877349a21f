package io.ryegrass.objects;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The form of an object's file: data, description as JSON, length of the description (4 bytes),
 * magic (4 bytes). Data comes first so that a range of the object is a range of the file.
 */
final class ObjectFile {
  private static final int MAGIC = 0x52474f31; // "RGO1"
  private static final int TAIL = 8;
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private ObjectFile() {}

  /** Appends the description at the end of the data already written. */
  static void seal(FileChannel channel, ObjectInfo info) throws IOException {
    byte[] description = JSON.writeValueAsBytes(describe(info));
    ByteBuffer buffer = ByteBuffer.allocate(description.length + TAIL);
    buffer.put(description).putInt(description.length).putInt(MAGIC).flip();
    long position = channel.size();
    while (buffer.hasRemaining()) {
      position += channel.write(buffer, position);
    }
  }

  /**
   * Reads the description.
   *
   * @throws IOException also when the file is not one of ours
   */
  static ObjectInfo read(FileChannel channel) throws IOException {
    long size = channel.size();
    if (size < TAIL) {
      throw new IOException("file is too short for an object");
    }
    ByteBuffer tail = readFully(channel, size - TAIL, TAIL);
    int length = tail.getInt();
    if (tail.getInt() != MAGIC || length < 2 || length > size - TAIL) {
      throw new IOException("file does not end like an object");
    }
    try {
      JsonNode node = JSON.readTree(readFully(channel, size - TAIL - length, length).array());
      return new ObjectInfo(
          node.path("key").asString(),
          size - TAIL - length,
          node.path("etag").asString(),
          Instant.ofEpochMilli(node.path("modified").asLong()),
          node.path("type").asString(),
          texts(node.path("headers")),
          texts(node.path("checksums")));
    } catch (JacksonException e) {
      throw new IOException("description of the object is damaged", e);
    }
  }

  private static ObjectNode describe(ObjectInfo info) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("key", info.key());
    node.put("etag", info.etag());
    node.put("modified", info.lastModified().toEpochMilli());
    node.put("type", info.contentType());
    ObjectNode headers = node.putObject("headers");
    info.headers().forEach(headers::put);
    ObjectNode checksums = node.putObject("checksums");
    info.checksums().forEach(checksums::put);
    return node;
  }

  private static Map<String, String> texts(JsonNode node) {
    Map<String, String> result = new LinkedHashMap<>();
    node.properties().forEach(e -> result.put(e.getKey(), e.getValue().asString()));
    return result;
  }

  private static ByteBuffer readFully(FileChannel channel, long from, int length)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(length);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, from + buffer.position()) < 0) {
        throw new IOException("file ends early");
      }
    }
    return buffer.flip();
  }

  /** Where an object's file stands below its bucket's folder: keys may hold any character. */
  static String nameOf(String key) {
    String hash = Checksums.hex("SHA-256", key.getBytes(StandardCharsets.UTF_8));
    return hash.substring(0, 2) + "/" + hash;
  }
}
