package io.ryegrass.awssignature;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The arithmetic both ends share. A request is turned into its canonical text:
 *
 * <pre>
 * METHOD \n path \n query \n name:value\n... \n signed;names \n hash-of-body
 * </pre>
 *
 * whose SHA-256 stands, with the time and the credential scope (day/region/service/aws4_request),
 * in the string that is signed by HMAC-SHA256. The key is derived from the secret by four HMACs
 * over the scope's parts, so that a derived key is good for one day, region and service only.
 */
final class CanonicalRequest {

  static final String ALGORITHM = "AWS4-HMAC-SHA256";
  static final String UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD";
  static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'", Locale.ROOT).withZone(ZoneOffset.UTC);

  private static final String UNRESERVED =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";

  private CanonicalRequest() {}

  static boolean isS3(String service) {
    return service.equals("s3")
        || service.equals("s3express")
        || service.equals("s3-object-lambda");
  }

  static String of(
      HttpRequestToSign request,
      String service,
      List<String> signedHeaders,
      String payloadHash,
      Collection<String> leftOutQueryKeys) {
    StringBuilder text = new StringBuilder(512);
    text.append(request.method()).append('\n');
    text.append(path(request.rawPath(), service)).append('\n');
    text.append(query(request.rawQuery(), leftOutQueryKeys)).append('\n');
    for (String name : signedHeaders) {
      text.append(name).append(':');
      List<String> values = request.headers().getOrDefault(name, List.of());
      for (int i = 0; i < values.size(); i++) {
        if (i > 0) {
          text.append(',');
        }
        text.append(squeeze(values.get(i)));
      }
      text.append('\n');
    }
    text.append('\n').append(String.join(";", signedHeaders)).append('\n').append(payloadHash);
    return text.toString();
  }

  static String signature(
      String secret, String region, String service, Instant time, String canonicalRequest) {
    String stamp = TIME.format(time);
    String day = stamp.substring(0, 8);
    return hex(
        hmac(
            derivedKey(secret, day, region, service),
            stringToSign(stamp, day, region, service, canonicalRequest)));
  }

  static String stringToSign(
      String stamp, String day, String region, String service, String canonicalRequest) {
    return ALGORITHM
        + '\n'
        + stamp
        + '\n'
        + scope(day, region, service)
        + '\n'
        + sha256(canonicalRequest.getBytes(StandardCharsets.UTF_8));
  }

  static byte[] derivedKey(String secret, String day, String region, String service) {
    byte[] key = hmac(("AWS4" + secret).getBytes(StandardCharsets.UTF_8), day);
    key = hmac(key, region);
    key = hmac(key, service);
    return hmac(key, "aws4_request");
  }

  static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  static String scope(String day, String region, String service) {
    return day + '/' + region + '/' + service + "/aws4_request";
  }

  static String path(String rawPath, String service) {
    if (rawPath.isEmpty()) {
      return "/";
    }
    return isS3(service) ? rawPath : encode(normalise(rawPath), true);
  }

  /** Dot segments and empty segments go, a closing slash stays. */
  private static String normalise(String path) {
    if (!path.contains("//") && !path.contains("/.")) {
      return path;
    }
    Deque<String> kept = new ArrayDeque<>();
    for (String segment : path.split("/", -1)) {
      if (segment.equals("..")) {
        kept.pollLast();
      } else if (!segment.isEmpty() && !segment.equals(".")) {
        kept.addLast(segment);
      }
    }
    String joined = "/" + String.join("/", kept);
    return path.endsWith("/") && !kept.isEmpty() ? joined + "/" : joined;
  }

  static String query(String rawQuery, Collection<String> leftOut) {
    if (rawQuery.isEmpty()) {
      return "";
    }
    List<String[]> pairs = new ArrayList<>();
    for (String pair : rawQuery.split("&")) {
      if (pair.isEmpty()) {
        continue;
      }
      int equals = pair.indexOf('=');
      String name = decode(equals < 0 ? pair : pair.substring(0, equals));
      if (!leftOut.contains(name)) {
        String value = equals < 0 ? "" : decode(pair.substring(equals + 1));
        pairs.add(new String[] {encode(name, false), encode(value, false)});
      }
    }
    pairs.sort(
        (a, b) -> {
          int byName = a[0].compareTo(b[0]);
          return byName != 0 ? byName : a[1].compareTo(b[1]);
        });
    StringBuilder text = new StringBuilder();
    for (String[] pair : pairs) {
      text.append(text.isEmpty() ? "" : "&").append(pair[0]).append('=').append(pair[1]);
    }
    return text.toString();
  }

  /** Percent-encoding by RFC 3986, upper-case digits, everything but unreserved characters. */
  static String encode(String text, boolean keepSlash) {
    StringBuilder out = new StringBuilder(text.length() + 16);
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      char c = (char) (b & 0xff);
      if (UNRESERVED.indexOf(c) >= 0 || (keepSlash && c == '/')) {
        out.append(c);
      } else {
        out.append('%').append(HexFormat.of().withUpperCase().toHexDigits(b));
      }
    }
    return out.toString();
  }

  /** Percent-decoding; a plus sign stays one, a broken escape stays as it is. */
  static String decode(String text) {
    if (text.indexOf('%') < 0) {
      return text;
    }
    byte[] in = text.getBytes(StandardCharsets.UTF_8);
    byte[] out = new byte[in.length];
    int length = 0;
    for (int i = 0; i < in.length; i++) {
      if (in[i] == '%'
          && i + 2 < in.length
          && HexFormat.isHexDigit(in[i + 1])
          && HexFormat.isHexDigit(in[i + 2])) {
        out[length++] =
            (byte) (HexFormat.fromHexDigit(in[i + 1]) << 4 | HexFormat.fromHexDigit(in[i + 2]));
        i += 2;
      } else {
        out[length++] = in[i];
      }
    }
    return new String(out, 0, length, StandardCharsets.UTF_8);
  }

  /** First value of a query parameter, decoded; the name is compared exactly. */
  static Map<String, String> queryParameters(String rawQuery) {
    Map<String, String> parameters = new java.util.LinkedHashMap<>();
    for (String pair : rawQuery.split("&")) {
      int equals = pair.indexOf('=');
      if (!pair.isEmpty()) {
        parameters.putIfAbsent(
            decode(equals < 0 ? pair : pair.substring(0, equals)),
            equals < 0 ? "" : decode(pair.substring(equals + 1)));
      }
    }
    return parameters;
  }

  private static String squeeze(String value) {
    String trimmed = value.strip();
    if (!trimmed.contains("  ")) {
      return trimmed;
    }
    StringBuilder out = new StringBuilder(trimmed.length());
    char before = 'x';
    for (int i = 0; i < trimmed.length(); i++) {
      char c = trimmed.charAt(i);
      if (c != ' ' || before != ' ') {
        out.append(c);
      }
      before = c;
    }
    return out.toString();
  }

  static String sha256(byte[] data) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(data));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java has no SHA-256", e);
    }
  }

  static byte[] hmac(byte[] key, String text) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java has no HmacSHA256", e);
    }
  }
}
