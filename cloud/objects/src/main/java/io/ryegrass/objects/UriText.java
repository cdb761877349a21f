package io.ryegrass.objects;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** Percent-encoding as AWS does it, and its reverse. */
final class UriText {
  private static final String UNRESERVED =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
  private static final String HEX = "0123456789ABCDEF";

  private UriText() {}

  static String encode(String text, boolean keepSlash) {
    StringBuilder result = new StringBuilder(text.length() + 16);
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      char c = (char) (b & 0xff);
      if (UNRESERVED.indexOf(c) >= 0 || keepSlash && c == '/') {
        result.append(c);
      } else {
        result.append('%').append(HEX.charAt(c >> 4)).append(HEX.charAt(c & 15));
      }
    }
    return result.toString();
  }

  /** Decodes percent signs only, or also plus signs as blanks when it is a query. */
  static String decode(String text, boolean query) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(text.length());
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < bytes.length; i++) {
      if (bytes[i] == '%') {
        if (i + 2 >= bytes.length) {
          throw invalid();
        }
        int high = Character.digit(bytes[i + 1], 16);
        int low = Character.digit(bytes[i + 2], 16);
        if (high < 0 || low < 0) {
          throw invalid();
        }
        out.write(high << 4 | low);
        i += 2;
      } else {
        out.write(query && bytes[i] == '+' ? ' ' : bytes[i]);
      }
    }
    try {
      // strictly: two keys must not become one by what cannot be decoded
      String decoded =
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(out.toByteArray())).toString();
      if (decoded.indexOf(0) >= 0) {
        throw invalid();
      }
      return decoded;
    } catch (CharacterCodingException e) {
      throw (S3Exception) invalid().initCause(e);
    }
  }

  private static S3Exception invalid() {
    return new S3Exception("InvalidURI", 400, "Couldn't parse the specified URI.");
  }

  static Map<String, String> query(String rawQuery) {
    Map<String, String> result = new LinkedHashMap<>();
    for (String pair : rawQuery.split("&")) {
      if (!pair.isEmpty()) {
        int equals = pair.indexOf('=');
        result.put(
            decode(equals < 0 ? pair : pair.substring(0, equals), true),
            equals < 0 ? "" : decode(pair.substring(equals + 1), true));
      }
    }
    return result;
  }
}
