package io.ryegrass.crashtests;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A message as its publisher meant it. Its payload says all of it, so a receiver can tell which one
 * it got and whether it is whole.
 *
 * @param number counts the messages of one publisher from 1
 * @param erasing published with RETAIN and an empty payload: it deletes the retained message, and
 *     receivers cannot tell which one it was
 */
record Message(
    String publisher, long number, String topic, int qos, boolean retain, boolean erasing) {
  private static final int LONGEST_PADDING = 300;

  byte[] payload() {
    if (erasing) {
      return new byte[0];
    }
    String head = publisher + " " + number + " " + qos + (retain ? " retained " : " plain ");
    byte[] payload =
        Arrays.copyOf(
            head.getBytes(StandardCharsets.US_ASCII), head.length() + paddingLength(number));
    for (int i = head.length(); i < payload.length; i++) {
      payload[i] = padding(number, i);
    }
    return payload;
  }

  /** The message that has this topic and payload; null when no publisher can have made it. */
  static @Nullable Message read(String topic, byte[] payload) {
    String[] words = new String(payload, StandardCharsets.ISO_8859_1).split(" ", 5);
    if (words.length < 5 || !words[1].matches("\\d{1,18}") || !words[2].matches("[0-2]")) {
      return null;
    }
    Message read =
        new Message(
            words[0],
            Long.parseLong(words[1]),
            topic,
            Integer.parseInt(words[2]),
            words[3].equals("retained"),
            false);
    return Arrays.equals(read.payload(), payload) ? read : null;
  }

  // Mostly small, now and then larger than a page of the disk.
  private static int paddingLength(long number) {
    return (int) (number % 37 == 0 ? 5_000 : number * 31 % LONGEST_PADDING);
  }

  private static byte padding(long number, int position) {
    return (byte) ('a' + (number * 7 + position) % 26);
  }

  @Override
  public String toString() {
    return publisher
        + "#"
        + number
        + " ("
        + topic
        + ", QoS "
        + qos
        + (retain ? ", retain" : "")
        + (erasing ? ", empty" : "")
        + ")";
  }
}
