package io.ryegrass.cli.device;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Lines of several log files in the order of their times. Holds one line of each file; lines
 * without a time follow the one before them.
 */
final class LogReader {
  private static final int MAX_LINE = 256 * 1024;
  private static final int INTERVAL_MS = 100;

  private final Function<String, LogEntry> parser;

  LogReader(Function<String, LogEntry> parser) {
    this.parser = parser;
  }

  /** A file and where in it we are. */
  private final class Source {
    final BufferedReader reader;
    @Nullable LogEntry next;
    Instant time = Instant.MIN;

    Source(Path file) throws IOException {
      InputStream in = Files.newInputStream(file);
      String name = String.valueOf(file.getFileName());
      reader =
          new BufferedReader(
              new InputStreamReader(
                  name.endsWith(".gz") ? new GZIPInputStream(in) : in, StandardCharsets.UTF_8));
      advance();
    }

    void advance() throws IOException {
      String line = reader.readLine();
      next = line == null ? null : parser.apply(cut(line));
      if (next != null && next.time() != null) {
        time = next.time();
      }
    }

    Instant time() {
      return time;
    }
  }

  /** Gives every line of the files to the consumer. */
  void read(List<Path> files, Consumer<LogEntry> lines) throws IOException {
    PriorityQueue<Source> sources = new PriorityQueue<>(Comparator.comparing(Source::time));
    try {
      for (Path file : files) {
        add(sources, new Source(file));
      }
      Source source;
      while ((source = sources.poll()) != null) {
        LogEntry next = source.next;
        if (next != null) {
          lines.accept(next);
          source.advance();
          // what has no time of its own stays with its line
          while (source.next != null && source.next.time() == null) {
            lines.accept(source.next);
            source.advance();
          }
        }
        add(sources, source);
      }
    } finally {
      for (Source source : sources) {
        source.reader.close();
      }
    }
  }

  private static void add(PriorityQueue<Source> sources, Source source) throws IOException {
    if (source.next == null) {
      source.reader.close();
    } else {
      sources.add(source);
    }
  }

  /** Where the end of a file was when it was last looked at. */
  private static final class Tail {
    final Path file;
    @Nullable Object key;
    long position;
    final StringBuilder partial = new StringBuilder();

    Tail(Path file) throws IOException {
      this.file = file;
      BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
      key = attributes.fileKey();
      position = attributes.size();
    }
  }

  /** Gives what is appended to the files from now on; a file that was rotated is begun anew. */
  void follow(List<Path> files, Consumer<LogEntry> lines, BooleanSupplier goOn) throws IOException {
    List<Tail> tails = new ArrayList<>();
    for (Path file : files) {
      tails.add(new Tail(file));
    }
    try {
      while (goOn.getAsBoolean()) {
        for (Tail tail : tails) {
          more(tail, lines);
        }
        TimeUnit.MILLISECONDS.sleep(INTERVAL_MS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void more(Tail tail, Consumer<LogEntry> lines) throws IOException {
    if (!Files.exists(tail.file)) {
      return;
    }
    BasicFileAttributes now = Files.readAttributes(tail.file, BasicFileAttributes.class);
    if (!java.util.Objects.equals(tail.key, now.fileKey()) || now.size() < tail.position) {
      tail.key = now.fileKey();
      tail.position = 0;
      tail.partial.setLength(0);
    }
    if (now.size() == tail.position) {
      return;
    }
    try (SeekableByteChannel channel = Files.newByteChannel(tail.file, StandardOpenOption.READ)) {
      channel.position(tail.position);
      ByteBuffer buffer = ByteBuffer.allocate(64 * 1024);
      while (channel.read(buffer) > 0) {
        buffer.flip();
        int end = buffer.limit();
        while (end > 0 && buffer.get(end - 1) != '\n') {
          end--;
        }
        if (end == 0 && buffer.limit() < buffer.capacity()) {
          // half a line: it is read again when it is whole
          return;
        }
        int taken = end == 0 ? buffer.limit() : end;
        tail.partial.append(new String(buffer.array(), 0, taken, StandardCharsets.UTF_8));
        tail.position += taken;
        channel.position(tail.position);
        buffer.clear();
        if (end > 0) {
          tail.partial.toString().lines().forEach(line -> lines.accept(parser.apply(cut(line))));
          tail.partial.setLength(0);
        }
      }
    }
  }

  private static String cut(String line) {
    return line.length() > MAX_LINE ? line.substring(0, MAX_LINE) : line;
  }
}
