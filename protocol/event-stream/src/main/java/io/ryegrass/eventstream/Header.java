package io.ryegrass.eventstream;

/**
 * One header of a message. Names are 1 to 255 bytes of UTF-8; the order of headers has no meaning.
 */
public record Header(String name, HeaderValue value) {
  /** A string header. */
  public static Header text(String name, String value) {
    return new Header(name, new HeaderValue.Text(value));
  }

  /** An int32 header. */
  public static Header int32(String name, int value) {
    return new Header(name, new HeaderValue.Int32(value));
  }
}
