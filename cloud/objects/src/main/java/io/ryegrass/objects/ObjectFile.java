package io.ryegrass.objects;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The form of an object's file: data, description as JSON, length of the description (4 bytes),
 * magic (4 bytes). Data comes first so that a range of the object is a range of the file. The
 * description is what the index is made of again when it was lost.
 */
final class ObjectFile {
  private static final int MAGIC = 0x52474f31; // "RGO1"
  private static final int TAIL = 8;
  private static final JsonMapper JSON = JsonMapper.shared();

  private ObjectFile() {}

  /**
   * @param bucket empty in files of the first form, whose folder names the bucket
   */
  record Sealed(String bucket, ObjectInfo info) {}

  /** Appends the description at the end of the data already written. */
  static void seal(FileChannel channel, String bucket, ObjectInfo info) throws IOException {
    byte[] description = JSON.writeValueAsBytes(describe(info).put("bucket", bucket));
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
  static Sealed read(FileChannel channel) throws IOException {
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
      return new Sealed(node.path("bucket").asString(""), info(node, size - TAIL - length));
    } catch (JacksonException e) {
      throw new IOException("description of the object is damaged", e);
    }
  }

  /** The description as JSON, all but the size. */
  static ObjectNode describe(ObjectInfo info) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("key", info.key());
    node.put("version", info.versionId());
    node.put("etag", info.etag());
    node.put("modified", info.lastModified().toEpochMilli());
    node.put("type", info.contentType());
    put(node, "headers", info.headers());
    put(node, "checksums", info.checksums());
    put(node, "tags", info.tags());
    if (!info.parts().isEmpty()) {
      ArrayNode parts = node.putArray("parts");
      info.parts().forEach(parts::add);
    }
    return node;
  }

  /** The reverse of {@link #describe}. */
  static ObjectInfo info(JsonNode node, long size) {
    List<Long> parts = new ArrayList<>();
    node.path("parts").forEach(part -> parts.add(part.asLong()));
    return new ObjectInfo(
        node.path("key").asString(),
        node.path("version").asString(ObjectInfo.NULL_VERSION),
        size,
        node.path("etag").asString(),
        Instant.ofEpochMilli(node.path("modified").asLong()),
        node.path("type").asString(),
        texts(node.path("headers")),
        texts(node.path("checksums")),
        texts(node.path("tags")),
        parts);
  }

  static void put(ObjectNode node, String name, Map<String, String> texts) {
    if (!texts.isEmpty()) {
      ObjectNode inner = node.putObject(name);
      texts.forEach(inner::put);
    }
  }

  static Map<String, String> texts(JsonNode node) {
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
}
