package io.ryegrass.lambda;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What is mounted where, as {@code /proc/self/mountinfo} says it. */
final class Mounts {

  record Mount(Path point, String type) {}

  private Mounts() {}

  static List<Mount> ofThisProcess() {
    try {
      return Files.readAllLines(Path.of("/proc/self/mountinfo")).stream()
          .map(Mounts::parse)
          .toList();
    } catch (IOException e) {
      return List.of(); // without /proc nothing of a container works; its engine says so
    }
  }

  /** proc(5): the fifth field is the mount point, the first after " - " the type. */
  private static Mount parse(String line) {
    String[] fields = line.split(" ");
    int dash = List.of(fields).indexOf("-");
    return new Mount(
        Path.of(unescaped(fields[4])),
        dash > 0 && dash + 1 < fields.length ? fields[dash + 1] : "");
  }

  /** Space, tab, line feed and backslash are written in octal. */
  private static String unescaped(String text) {
    if (text.indexOf('\\') < 0) {
      return text;
    }
    StringBuilder out = new StringBuilder();
    List<Integer> special = new ArrayList<>(List.of(32, 9, 10, 92));
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) == '\\' && i + 3 < text.length()) {
        int code = Integer.parseInt(text.substring(i + 1, i + 4), 8);
        if (special.contains(code)) {
          out.append((char) code);
          i += 3;
          continue;
        }
      }
      out.append(text.charAt(i));
    }
    return out.toString();
  }
}
