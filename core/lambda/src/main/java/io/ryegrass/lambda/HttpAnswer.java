package io.ryegrass.lambda;

import java.nio.charset.StandardCharsets;

/** Status, headers and body of an answer. */
final class HttpAnswer {
  private static final byte[] NOTHING = {};

  private final StringBuilder head = new StringBuilder(256);
  private final int status;
  private byte[] body = NOTHING;

  HttpAnswer(int status) {
    this.status = status;
    head.append("HTTP/1.1 ").append(status).append(' ').append(reason(status)).append("\r\n");
  }

  HttpAnswer header(String name, String value) {
    head.append(name).append(": ").append(value).append("\r\n");
    return this;
  }

  HttpAnswer body(byte[] content) {
    body = content;
    return this;
  }

  byte[] body() {
    return body;
  }

  /** The head with its empty line, and behind it room for the body when that is wanted. */
  byte[] head(boolean close, int room) {
    if (status != 204) {
      head.append("Content-Length: ").append(body.length).append("\r\n");
    }
    if (close) {
      head.append("Connection: close\r\n");
    }
    head.append("\r\n");
    byte[] all = new byte[head.length() + room];
    for (int i = 0; i < head.length(); i++) {
      char c = head.charAt(i);
      all[i] = (byte) (c < 256 ? c : '?');
    }
    return all;
  }

  static byte[] text(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String reason(int status) {
    return switch (status) {
      case 200 -> "OK";
      case 202 -> "Accepted";
      case 204 -> "No Content";
      case 400 -> "Bad Request";
      case 401 -> "Unauthorized";
      case 403 -> "Forbidden";
      case 404 -> "Not Found";
      case 405 -> "Method Not Allowed";
      case 409 -> "Conflict";
      case 413 -> "Payload Too Large";
      case 429 -> "Too Many Requests";
      case 431 -> "Request Header Fields Too Large";
      case 503 -> "Service Unavailable";
      default -> "Internal Server Error";
    };
  }
}
