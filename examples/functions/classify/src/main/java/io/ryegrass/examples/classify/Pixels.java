package io.ryegrass.examples.classify;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.Iterator;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;

/**
 * An image as the network wants it: 48 high, up to 192 wide, the rest zeros; blue, green and red
 * one after the other, each from -1 to 1.
 */
final class Pixels {
  static final int HEIGHT = 48;
  static final int WIDTH = 192;

  /** What is decoded lies in the function's memory whole, four bytes for each. */
  private static final long LARGEST = 4_000_000;

  private Pixels() {}

  /**
   * Decodes a PNG, JPEG, GIF or BMP file.
   *
   * @throws IllegalArgumentException when it is none, or too large
   */
  static BufferedImage decode(byte[] file) throws IOException {
    ImageIO.setUseCache(false); // no files
    try (ImageInputStream in = ImageIO.createImageInputStream(new ByteArrayInputStream(file))) {
      Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
      if (!readers.hasNext()) {
        throw new IllegalArgumentException(
            "These " + file.length + " bytes are no image; send a PNG or JPEG file.");
      }
      ImageReader reader = readers.next();
      try {
        reader.setInput(in);
        long size = (long) reader.getWidth(0) * reader.getHeight(0);
        if (size > LARGEST) {
          throw new IllegalArgumentException(
              "The image has " + size + " pixels; send one of at most " + LARGEST + ".");
        }
        return reader.read(0);
      } finally {
        reader.dispose();
      }
    }
  }

  /** Scales an image, by straight lines between its pixels, and gives each colour as a number. */
  static FloatBuffer of(BufferedImage image) {
    double asHigh = Math.ceil((double) HEIGHT * image.getWidth() / image.getHeight());
    int width = (int) Math.min(asHigh, WIDTH);
    FloatBuffer all = FloatBuffer.allocate(3 * HEIGHT * WIDTH);
    for (int y = 0; y < HEIGHT; y++) {
      double fromY = between((y + 0.5) * image.getHeight() / HEIGHT - 0.5, image.getHeight());
      for (int x = 0; x < width; x++) {
        double fromX = between((x + 0.5) * image.getWidth() / width - 0.5, image.getWidth());
        for (int colour = 0; colour < 3; colour++) {
          double value = at(image, fromX, fromY, 8 * colour) / 255;
          all.put((colour * HEIGHT + y) * WIDTH + x, (float) ((value - 0.5) / 0.5));
        }
      }
    }
    return all;
  }

  private static double between(double place, int size) {
    return Math.max(0, Math.min(size - 1, place));
  }

  private static double at(BufferedImage image, double x, double y, int shift) {
    int left = (int) x;
    int top = (int) y;
    int right = Math.min(left + 1, image.getWidth() - 1);
    int bottom = Math.min(top + 1, image.getHeight() - 1);
    double above = mix(colour(image, left, top, shift), colour(image, right, top, shift), x - left);
    double below =
        mix(colour(image, left, bottom, shift), colour(image, right, bottom, shift), x - left);
    return mix(above, below, y - top);
  }

  private static double mix(double one, double other, double part) {
    return one + (other - one) * part;
  }

  private static int colour(BufferedImage image, int x, int y, int shift) {
    return image.getRGB(x, y) >> shift & 0xFF;
  }
}
