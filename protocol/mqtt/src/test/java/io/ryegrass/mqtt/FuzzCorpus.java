package io.ryegrass.mqtt;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Writes the seeds of the fuzz tests: each packet of each version and each kind of fault. Run its
 * {@code main} in the folder of the module after a change and commit the files.
 */
final class FuzzCorpus {
  private static final Path RESOURCES = Path.of("src/test/resources/io/ryegrass/mqtt");

  private final Map<String, byte[]> seeds = new LinkedHashMap<>();

  private FuzzCorpus() {}

  public static void main(String[] args) throws IOException {
    FuzzCorpus corpus = new FuzzCorpus();
    corpus.connects();
    for (int version = 3; version <= 5; version++) {
      corpus.packets(version);
    }
    corpus.properties();
    Path folder =
        Files.createDirectories(RESOURCES.resolve("PacketDecoderFuzzTestInputs/anyBytes"));
    for (Map.Entry<String, byte[]> seed : corpus.seeds.entrySet()) {
      Files.write(folder.resolve(seed.getKey()), seed.getValue());
    }
    filters();
  }

  private static void filters() throws IOException {
    Path folder = Files.createDirectories(RESOURCES.resolve("FilterSyntaxFuzzTestInputs/anyText"));
    String[] filters = {
      "",
      "a",
      "/",
      "//",
      "#",
      "+",
      "a/#",
      "a/+/b",
      "+/+",
      "a#",
      "#/a",
      "a+",
      "+a",
      "a\0b",
      "ä/€/😀",
      "$SYS/#",
      "$share",
      "$share/",
      "$share/g",
      "$share/g/",
      "$share//t",
      "$share/g/t",
      "$share/g/#",
      "$share/+/t",
      "$share/#/t",
      "$share/g\0/t",
      "$share/g/a#",
      "1/2/3/4/5/6/7/8",
      "1/2/3/4/5/6/7/8/9",
      "$share/g/1/2/3/4/5/6/7/8",
      "$share/g/1/2/3/4/5/6/7/8/9",
      "$sharex/g/t"
    };
    for (int i = 0; i < filters.length; i++) {
      Files.write(
          folder.resolve("filter-%02d".formatted(i)), filters[i].getBytes(StandardCharsets.UTF_8));
    }
  }

  private void connects() {
    byte[] bad = {0, 2, (byte) 0xC0, (byte) 0x80};
    for (int version = 3; version <= 5; version++) {
      String protocol = version == 3 ? "MQIsdp" : "MQTT";
      byte[] none = version == 5 ? new byte[] {0} : new byte[0];
      add(0, "connect" + version, Raw.connect(version));
      add(
          0,
          "connect" + version + "-full",
          Raw.packet(0x10, protocol, version, 0xEE, 0, 9, none, "id", none, "w", "bye", "u", "p"));
      for (int flags : new int[] {0x03, 0x0A, 0x1E, 0x22, 0x42, 0x00, 0x82, 0xC2, 0x06}) {
        add(
            0,
            "connect%d-flags-%02x".formatted(version, flags),
            Raw.packet(0x10, protocol, version, flags, 0, 0, none, flags == 0 ? "" : "c"));
      }
      add(
          0,
          "connect" + version + "-bad-id",
          Raw.packet(0x10, protocol, version, 2, 0, 0, none, bad));
      add(
          0,
          "connect" + version + "-more",
          Raw.packet(0x10, protocol, version, 2, 0, 0, none, "c", 0));
      add(
          0,
          "connect" + version + "-will-wildcard",
          Raw.packet(0x10, protocol, version, 6, 0, 0, none, "c", none, "w/#", ""));
      add(0, "connect" + version + "-header", Raw.bytes(0x13, 0xFF, 0xFF, 0xFF, 0x7F));
    }
    add(0, "connect-name", Raw.packet(0x10, "MQTX", 4, 2, 0, 0, "c"));
    add(0, "connect-level-6", Raw.packet(0x10, "MQTT", 6, 2, 0, 0, 0, "c"));
    add(0, "connect-bridge", Raw.packet(0x10, "MQTT", 0x84, 2, 0, 0, "c"));
    add(0, "connect-length", Raw.bytes(0x10, 0x80, 0x80, 0x80, 0x80, 1));
    add(0, "connect-long-length", Raw.bytes(0x10, 0x8E, 0, "MQTT", 5, 2, 0, 60, 0, "c"));
    byte[][] properties = {
      {17, 0, 0, 0, 1},
      {33, 0, 1},
      {33, 0, 0},
      {39, 0, 0, 1, 0},
      {39, 0, 0, 0, 0},
      {34, 0, 9},
      {25, 1},
      {25, 2},
      {23, 0},
      {21, 0, 1, 'm', 22, 0, 1, 'd'},
      {22, 0, 1, 'd'},
      {38, 0, 1, 'k', 0, 1, 'v'},
      {17, 0, 0, 0, 1, 17, 0, 0, 0, 1},
      {99}
    };
    for (int i = 0; i < properties.length; i++) {
      add(
          0,
          "connect5-property-%02d".formatted(i),
          Raw.packet(0x10, "MQTT", 5, 2, 0, 0, Raw.properties(properties[i]), "c"));
    }
    byte[] will =
        Raw.properties(24, 0, 0, 0, 1, 1, 1, 2, 0, 0, 0, 1, 3, "t", 8, "r", 9, "c", 38, "", "");
    add(0, "connect5-will", Raw.packet(0x10, "MQTT", 5, 0x16, 0, 0, 0, "c", will, "w", "x"));
    add(
        0,
        "connect5-will-no-text",
        Raw.packet(
            0x10, "MQTT", 5, 6, 0, 0, 0, "c", Raw.properties(1, 1), "w", new byte[] {0, 1, -1}));
  }

  private void packets(int version) {
    byte[] none = version == 5 ? new byte[] {0} : new byte[0];
    byte[] surrogate = {0, 3, (byte) 0xED, (byte) 0xA0, (byte) 0x80};
    String v = "v" + version + "-";
    for (int flags : new int[] {0, 1, 2, 0xA, 4, 0xC, 6, 8}) {
      byte[] id = (flags & 6) == 0 ? new byte[0] : new byte[] {0, 7};
      add(
          version,
          v + "publish-%x".formatted(flags),
          Raw.packet(0x30 | flags, "a/ä", id, none, "hi"));
    }
    add(version, v + "publish-id-0", Raw.packet(0x32, "t", 0, 0, none));
    add(version, v + "publish-empty", Raw.packet(0x30, "", none));
    add(version, v + "publish-wildcard", Raw.packet(0x30, "a/#", none));
    add(version, v + "publish-surrogate", Raw.packet(0x30, surrogate, none));
    add(version, v + "publish-zero", Raw.packet(0x30, "a\0", none));
    add(version, v + "publish-short", Raw.packet(0x30, 0, 9, 97));
    add(version, v + "publish-long", Raw.packet(0x30, "t".repeat(300), none, new byte[500]));
    add(version, v + "publish-half", Raw.bytes(0x30, 0x7F, 0, 1, 116));
    add(version, v + "publish-announced", Raw.bytes(0x30, Raw.variable(60_000), 0, 1, 116));
    add(version, v + "publish-huge", Raw.bytes(0x30, 0xFF, 0xFF, 0xFF, 0x7F, 0, 1, 116));
    for (int first : new int[] {0x40, 0x50, 0x62, 0x70}) {
      String name = v + "ack-%x".formatted(first);
      int code = first < 0x60 ? 0x87 : 0x92;
      add(version, name, Raw.packet(first, 0, 7));
      add(version, name + "-code", Raw.packet(first, 0, 7, code));
      add(
          version,
          name + "-properties",
          Raw.packet(first, 0, 7, code, Raw.properties(31, "x", 38, "k", "v")));
      add(version, name + "-bad-code", Raw.packet(first, 0, 7, 0x55));
      add(version, name + "-id-0", Raw.packet(first, 0, 0));
      add(version, name + "-flags", Raw.packet(first ^ 1, 0, 7));
    }
    add(version, v + "subscribe", Raw.packet(0x82, 0, 1, none, "a/+", 1, "$share/g/#", 2, "", 0));
    add(version, v + "subscribe-none", Raw.packet(0x82, 0, 1, none));
    add(version, v + "subscribe-qos3", Raw.packet(0x82, 0, 1, none, "t", 3));
    add(version, v + "subscribe-reserved", Raw.packet(0x82, 0, 1, none, "t", 0x40));
    add(version, v + "subscribe-surrogate", Raw.packet(0x82, 0, 1, none, surrogate, 0));
    add(version, v + "subscribe-id-0", Raw.packet(0x82, 0, 0, none, "t", 0));
    add(version, v + "subscribe-dup", Raw.packet(0x8A, 0, 1, none, "t", 0));
    add(version, v + "subscribe-cut", Raw.packet(0x82, 0, 1, none, "t"));
    add(version, v + "unsubscribe", Raw.packet(0xA2, 0, 1, none, "a/+", "", "$share/g/t"));
    add(version, v + "unsubscribe-none", Raw.packet(0xA2, 0, 1, none));
    add(version, v + "unsubscribe-zero", Raw.packet(0xA2, 0, 1, none, "\0"));
    add(version, v + "ping", Raw.bytes(0xC0, 0, 0xC0, 0, 0xC0, 0));
    add(version, v + "ping-body", Raw.packet(0xC0, 1));
    add(version, v + "ping-long", Raw.bytes(0xC0, 0x80, 0));
    add(version, v + "disconnect", Raw.packet(0xE0));
    add(version, v + "disconnect-code", Raw.packet(0xE0, 4));
    add(version, v + "disconnect-bad-code", Raw.packet(0xE0, 0x8E));
    add(version, v + "auth", Raw.packet(0xF0, 0x18, Raw.properties(21, "m", 22, "d")));
    add(version, v + "auth-empty", Raw.packet(0xF0));
    add(version, v + "auth-no-method", Raw.packet(0xF0, 0x19, Raw.properties(22, "d")));
    for (int type : new int[] {0, 1, 2, 9, 11, 13}) {
      add(version, v + "type-" + type, Raw.packet(type << 4, 0, 1));
    }
    add(version, v + "length", Raw.bytes(0x30, 0x80, 0x80, 0x80, 0x80, 0));
    add(
        version,
        v + "stream",
        Raw.bytes(
            Raw.packet(0x82, 0, 1, none, "t/#", 1),
            Raw.packet(0x32, "t/1", 0, 2, none, new byte[100]),
            Raw.packet(0x30, "t/1", none),
            Raw.packet(0x40, 0, 9),
            Raw.packet(0xC0),
            Raw.packet(0x34, "t/1", 0, 3, none, "x"),
            Raw.packet(0x62, 0, 3),
            Raw.packet(0xA2, 0, 4, none, "t/#"),
            Raw.packet(0xE0)));
  }

  private void properties() {
    byte[] user = Raw.bytes(38, "k", "v");
    byte[][] publish = {
      Raw.bytes(1, 1),
      Raw.bytes(1, 2),
      Raw.bytes(2, 0, 0, 1, 0),
      Raw.bytes(3, "type"),
      Raw.bytes(8, "r/t"),
      Raw.bytes(8, "r/#"),
      Raw.bytes(8, ""),
      Raw.bytes(9, "c"),
      Raw.bytes(11, 1),
      Raw.bytes(35, 0, 1),
      Raw.bytes(35, 0, 0),
      user,
      Raw.bytes(user, 35, 0, 1, user, 2, 0, 0, 0, 9, user, 1, 1),
      Raw.bytes(1, 1, 1, 1),
      Raw.bytes(99),
      Raw.bytes(0x80, 1),
      Raw.bytes(35, 0)
    };
    for (int i = 0; i < publish.length; i++) {
      add(
          5,
          "v5-publish-property-%02d".formatted(i),
          Raw.packet(0x30, "t", Raw.properties(publish[i]), "x"));
    }
    add(5, "v5-publish-alias", Raw.packet(0x30, "", Raw.properties(35, 0, 1), "x"));
    add(5, "v5-publish-properties-length", Raw.packet(0x30, "t", 9, 1, 1));
    add(5, "v5-publish-properties-long-length", Raw.packet(0x30, "t", 0x80, 0));
    add(
        5,
        "v5-subscribe-identifier",
        Raw.packet(0x82, 0, 1, Raw.properties(user, 11, 0xFF, 0x7F), "t", 0x2D));
    add(5, "v5-subscribe-identifier-0", Raw.packet(0x82, 0, 1, Raw.properties(11, 0), "t", 0));
    add(
        5,
        "v5-subscribe-identifier-2",
        Raw.packet(0x82, 0, 1, Raw.properties(11, 1, 11, 1), "t", 0));
    add(
        5,
        "v5-subscribe-identifier-long",
        Raw.packet(0x82, 0, 1, Raw.properties(11, 0x81, 0), "t", 0));
    add(5, "v5-subscribe-retain-3", Raw.packet(0x82, 0, 1, 0, "t", 0x30));
    add(5, "v5-subscribe-no-local", Raw.packet(0x82, 0, 1, 0, "$share/g/t", 4));
    add(
        5,
        "v5-disconnect-expiry",
        Raw.packet(0xE0, 0, Raw.properties(17, 0, 0, 0, 9, 31, "x", user)));
    add(5, "v5-disconnect-reference", Raw.packet(0xE0, 0, Raw.properties(28, "s")));
  }

  private void add(int version, String name, byte[] packet) {
    int mode = (seeds.size() % 16) << 2 | (version == 0 ? 0 : version - 2);
    if (seeds.put(name, Raw.bytes(mode, packet)) != null) {
      throw new IllegalStateException(name + " comes twice");
    }
  }
}
