package io.ryegrass.components;

import io.ryegrass.store.CloudStore;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.function.Function;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Pages of lists (API-06). A nextToken holds the last item given and where it stood, under an HMAC
 * of a key in the database that also covers the question: a token that was changed, or that belongs
 * to another list or filter, is refused. Items that come or go between two pages shift nothing, as
 * long as the last item is still there.
 */
final class Pages {
  private static final String KEY = "page-key";
  private static final int MAC_BYTES = 12;
  private static final int DEFAULT_PAGE = 100;

  private final byte[] key;

  Pages(CloudStore store) {
    this.key = key(store);
  }

  /**
   * @param field of the items, part of what the token is for
   * @param id what tells an item from the others
   */
  ObjectNode page(
      ObjectNode input, String field, List<ObjectNode> all, Function<ObjectNode, String> id) {
    ObjectNode question = input.deepCopy();
    question.remove(List.of("nextToken", "maxResults"));
    String asked = field + question;
    String token = Json.text(input, "nextToken");
    int from = token.isEmpty() ? 0 : after(token, asked, all, id);
    int to = Math.min(all.size(), from + Math.max(1, input.path("maxResults").asInt(DEFAULT_PAGE)));
    ObjectNode result = Json.object();
    ArrayNode items = result.putArray(field);
    all.subList(from, to).forEach(items::add);
    if (to < all.size()) {
      result.put("nextToken", token(asked, to, id.apply(all.get(to - 1))));
    }
    return result;
  }

  private int after(
      String token, String asked, List<ObjectNode> all, Function<ObjectNode, String> id) {
    byte[] bytes;
    try {
      bytes = Base64.getUrlDecoder().decode(token);
    } catch (IllegalArgumentException e) {
      throw refused();
    }
    if (bytes.length <= MAC_BYTES) {
      throw refused();
    }
    String text = new String(bytes, MAC_BYTES, bytes.length - MAC_BYTES, StandardCharsets.UTF_8);
    if (!MessageDigest.isEqual(Arrays.copyOf(bytes, MAC_BYTES), mac(asked + '\n' + text))) {
      throw refused();
    }
    int space = text.indexOf(' ');
    int offset = Integer.parseInt(text, 0, space, 10);
    String last = text.substring(space + 1);
    for (int i = 0; i < all.size(); i++) {
      if (id.apply(all.get(i)).equals(last)) {
        return i + 1;
      }
    }
    return Math.min(offset, all.size());
  }

  private static io.ryegrass.awsapi.AwsException refused() {
    return Faults.validation("nextToken", "Invalid nextToken");
  }

  private String token(String asked, int offset, String last) {
    String text = offset + " " + last;
    byte[] mac = mac(asked + '\n' + text);
    byte[] tail = text.getBytes(StandardCharsets.UTF_8);
    byte[] all = Arrays.copyOf(mac, mac.length + tail.length);
    System.arraycopy(tail, 0, all, mac.length, tail.length);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(all);
  }

  private byte[] mac(String text) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      return Arrays.copyOf(mac.doFinal(text.getBytes(StandardCharsets.UTF_8)), MAC_BYTES);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java has HmacSHA256", e);
    }
  }

  /** The database's, made by whoever is first. */
  private static byte[] key(CloudStore store) {
    return store.write(
        sql ->
            sql.one(
                    "SELECT value FROM components_settings WHERE name = ?",
                    row -> Base64.getDecoder().decode(row.text("value")),
                    KEY)
                .orElseGet(
                    () -> {
                      byte[] fresh = new byte[32];
                      new SecureRandom().nextBytes(fresh);
                      sql.update(
                          "INSERT INTO components_settings (name, value) VALUES (?, ?)",
                          KEY,
                          Base64.getEncoder().encodeToString(fresh));
                      return fresh;
                    }));
  }
}
