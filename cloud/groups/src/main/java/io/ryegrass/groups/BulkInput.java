package io.ryegrass.groups;

import io.ryegrass.groups.BulkSource.UnusableException;
import io.ryegrass.groups.BulkStore.Line;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** Reads the input file of a bulk deployment; its errors have the texts of the guide (BLK-10). */
final class BulkInput {
  /** A line is shorter than this. */
  private static final int LINE_LIMIT = 256;

  private static final int BATCH = 500;

  private BulkInput() {}

  /**
   * Gives all lines, some at a time. Empty lines are no records.
   *
   * @throws UnusableException at the first line that is not valid; what was given before is void
   */
  static void read(InputStream input, Consumer<List<Line>> lines)
      throws IOException, UnusableException {
    BufferedInputStream in = new BufferedInputStream(input, 1 << 16);
    List<Line> batch = new ArrayList<>();
    ByteArrayOutputStream text = new ByteArrayOutputStream(LINE_LIMIT);
    long number = 1;
    boolean any = false;
    for (int b = in.read(); ; b = in.read()) {
      if (b >= 0 && b != '\n') {
        text.write(b);
        if (text.size() > LINE_LIMIT) {
          throw tooLong(number);
        }
        continue;
      }
      String line = text.toString(StandardCharsets.UTF_8).strip();
      text.reset();
      if (!line.isEmpty()) {
        any = true;
        batch.add(line(number, line));
      }
      if (batch.size() == BATCH) {
        lines.accept(List.copyOf(batch));
        batch.clear();
      }
      if (b < 0) {
        break;
      }
      number++;
    }
    if (!any) {
      throw new UnusableException("InvalidInputFile: the file has no records");
    }
    lines.accept(List.copyOf(batch));
  }

  private static UnusableException tooLong(long number) {
    return new UnusableException(
        "Line " + number + " is too long in S3 File. Valid line is less than 256 chars.");
  }

  private static Line line(long number, String text) throws UnusableException {
    if (text.length() >= LINE_LIMIT) {
      throw tooLong(number);
    }
    JsonNode json;
    try {
      json = VersionedStore.JSON.readTree(text);
    } catch (JacksonException e) {
      throw new UnusableException("Failed to parse input file at line number: " + number);
    }
    if (!json.isObject()) {
      throw new UnusableException("Failed to parse input file at line number: " + number);
    }
    String group = member(json, "GroupId", number);
    String version = member(json, "GroupVersionId", number);
    if (!json.path("DeploymentType").asString("").equals("NewDeployment")) {
      throw new UnusableException(
          "InvalidInputFile: Invalid deployment type at line number : "
              + number
              + ". Only valid type is 'NewDeployment'.");
    }
    return new Line(number, group, version);
  }

  private static String member(JsonNode json, String name, long number) throws UnusableException {
    String value = json.path(name).asString("");
    if (value.isEmpty()) {
      throw new UnusableException(
          "InvalidInputFile: Missing " + name + " at line number: " + number);
    }
    return value;
  }
}
