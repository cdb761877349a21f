import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import javax.imageio.ImageIO;

/**
 * Draws a line of text the right way up, or upside down, as a PNG file to standard output: {@code
 * java Draw.java "Ryegrass 2026" 180 > text.png}.
 */
public final class Draw {
  private Draw() {}

  /** Writes the file; the second argument, 0 or 180, may be left out. */
  public static void main(String[] args) {
    byte[] file = png(args[0], args.length > 1 && args[1].equals("180"));
    System.out.write(file, 0, file.length);
    System.out.flush();
  }

  /** A PNG file, 48 pixels high. */
  public static byte[] png(String text, boolean upsideDown) {
    System.setProperty("java.awt.headless", "true");
    BufferedImage image = new BufferedImage(192, 48, BufferedImage.TYPE_INT_RGB);
    Graphics2D g = image.createGraphics();
    g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    g.setColor(Color.WHITE);
    g.fillRect(0, 0, image.getWidth(), image.getHeight());
    if (upsideDown) {
      g.rotate(Math.PI, image.getWidth() / 2.0, image.getHeight() / 2.0);
    }
    g.setColor(Color.BLACK);
    g.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, 28));
    g.drawString(text, 6, 34);
    g.dispose();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      ImageIO.write(image, "png", out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }
}
