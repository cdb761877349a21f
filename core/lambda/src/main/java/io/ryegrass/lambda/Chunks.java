package io.ryegrass.lambda;

import java.io.ByteArrayOutputStream;

/** A body in chunks (RFC 9112 section 7.1), up to a size. Extensions and trailers are skipped. */
final class Chunks {
  private static final int LONGEST_LINE = 4096;

  private enum At {
    SIZE,
    DATA,
    DATA_END,
    TRAILER,
    COMPLETE
  }

  private final ByteArrayOutputStream all = new ByteArrayOutputStream();
  private final StringBuilder line = new StringBuilder();
  private final int most;
  private boolean keep;
  private At at = At.SIZE;
  private long left;
  private int unread;

  /**
   * @param most largest body; negative: whatever comes is thrown away
   */
  Chunks(int most) {
    this.most = most;
    this.keep = most >= 0;
  }

  boolean complete() {
    return at == At.COMPLETE;
  }

  byte[] all() {
    return all.toByteArray();
  }

  /** From here on the body is read to its end and not kept. */
  void throwAway() {
    keep = false;
    all.reset();
  }

  /** How many of the bytes given last were not looked at when the body turned out too large. */
  int unread() {
    return unread;
  }

  /**
   * Takes bytes and returns the index behind the last one that belongs to the body.
   *
   * @throws Refusal 413 when it is too large, 400 when it is not in chunks
   */
  int read(byte[] in, int from, int to) {
    int i = from;
    while (i < to && at != At.COMPLETE) {
      if (at == At.DATA) {
        int some = (int) Math.min(to - i, left);
        if (keep) {
          if (all.size() + some > most) {
            unread = to - i;
            throw HttpConnection.tooLarge(most);
          }
          all.write(in, i, some);
        }
        left -= some;
        i += some;
        if (left == 0) {
          at = At.DATA_END;
        }
      } else {
        byte b = in[i++];
        if (b == '\n') {
          lineEnded();
        } else if (b != '\r') {
          line.append((char) (b & 0xff));
          if (line.length() > LONGEST_LINE) {
            throw new Refusal(400, "A line between chunks is too long.");
          }
        }
      }
    }
    return i;
  }

  private void lineEnded() {
    String text = line.toString();
    line.setLength(0);
    switch (at) {
      case SIZE -> {
        int extension = text.indexOf(';');
        try {
          left = Long.parseLong((extension < 0 ? text : text.substring(0, extension)).strip(), 16);
        } catch (NumberFormatException e) {
          throw new Refusal(400, "\"" + text + "\" is not the size of a chunk.");
        }
        if (left < 0) {
          throw new Refusal(400, "A chunk has a negative size.");
        }
        at = left == 0 ? At.TRAILER : At.DATA;
      }
      case DATA_END -> at = At.SIZE;
      case TRAILER -> at = text.isEmpty() ? At.COMPLETE : At.TRAILER;
      case DATA, COMPLETE -> throw new IllegalStateException(at.name());
    }
  }
}
