package io.ryegrass.cloudlink;

import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Streams bodies into files and continues partial ones by {@code Range} with {@code If-Range} (RFC
 * 9110 sections 13.1.5 and 14.2), so that one file is never made of two versions. A body that stops
 * coming is given up after {@code httpClient.socketTimeoutMs}; what came by then is kept for the
 * next attempt, also of another process when a digest will tell whether the whole is right.
 */
final class Downloads {
  private static final int BUFFER = 32 << 10;
  private static final int MAX_ERROR = 16 << 10;
  private static final Pattern CONTENT_RANGE = Pattern.compile("bytes (\\d+)-\\d+/(?:\\d+|\\*)");
  private static final Pattern WHOLE = Pattern.compile("bytes (?:\\d+-\\d+|\\*)/(\\d+)");

  private static final int MOST_BEGUN = 1000;

  private final DataPlaneClient client;
  private final Duration stall;

  /**
   * Parts without a digest that this process has begun: only of those it is known what they hold.
   */
  private final Set<Path> begun = ConcurrentHashMap.newKeySet();

  Downloads(DataPlaneClient client) {
    this.client = client;
    this.stall = client.idle();
  }

  /**
   * A file to fetch.
   *
   * @param what the artifact, for messages
   * @param digested whether the caller checks a digest of the whole file: only then a part is
   *     continued that an earlier process has left, which may have holes after a power cut, or
   *     whose version is not known
   * @param refused makes the exception of an answer that is no body
   */
  record Wanted(
      String what,
      DataPlaneClient.Trust trust,
      boolean digested,
      Function<DataPlaneClient.Answer, NucleusException> refused) {
    String call() {
      return "The download of " + what;
    }
  }

  /**
   * @param request a GET without {@code Range}
   */
  void fetch(Wanted wanted, HttpRequest.Builder request, Path target) {
    Path version = version(target);
    String call = wanted.call();
    long have = size(target);
    if (have > 0) {
      String before = read(version);
      if (!wanted.digested() && !begun.contains(target)) {
        have = 0;
      } else if (!before.isEmpty()) {
        request.setHeader("if-range", before);
      } else if (!wanted.digested()) {
        have = 0;
      }
    }
    if (have > 0) {
      request.setHeader("range", "bytes=" + have + "-");
    }
    HttpResponse<InputStream> r = client.open(call, wanted.trust(), request);
    try (InputStream body = r.body()) {
      switch (r.statusCode()) {
        case 200 -> {
          Files.deleteIfExists(version);
          emptied(target);
          keep(version, r);
          if (begun.size() >= MOST_BEGUN) {
            begun.clear(); // those begin anew
          }
          begun.add(target);
          write(call, body, target, 0);
        }
        case 206 -> write(call, body, target, start(r, have));
        case 416 -> {
          if (!r.headers().firstValue("content-range").orElse("").equals("bytes */" + have)) {
            Files.delete(target);
            Files.deleteIfExists(version);
            throw new CloudUnavailableException(
                call + " cannot be continued at " + have + " bytes; it begins again.");
          }
        }
        default -> throw failure(call, r, body, wanted.refused());
      }
      begun.remove(target);
      Files.deleteIfExists(version);
    } catch (IOException e) {
      throw DataPlaneClient.unavailable(call, e);
    }
  }

  /**
   * How many bytes a file has, asked for by its first byte; -1 when the server does not tell.
   *
   * @param request a GET without {@code Range}
   */
  long size(Wanted wanted, HttpRequest.Builder request) {
    request.setHeader("range", "bytes=0-0");
    String call = "The size of " + wanted.what();
    HttpResponse<InputStream> r = client.open(call, wanted.trust(), request);
    try (InputStream body = r.body()) {
      if (r.statusCode() == 200) {
        return r.headers().firstValueAsLong("content-length").orElse(-1);
      }
      if (r.statusCode() == 206 || r.statusCode() == 416) {
        Matcher m = WHOLE.matcher(r.headers().firstValue("content-range").orElse(""));
        return m.matches() ? Long.parseLong(m.group(1)) : -1;
      }
      throw failure(call, r, body, wanted.refused());
    } catch (IOException e) {
      throw DataPlaneClient.unavailable(call, e);
    }
  }

  /** Beside a part: which version of the file it is a part of. */
  private static Path version(Path target) {
    return target.resolveSibling(target.getFileName() + ".version");
  }

  /** A part of an older version must not stay under the name of the new one. */
  private static void emptied(Path target) {
    try (FileChannel file = open(target)) {
      place(file, 0, target);
    } catch (IOException e) {
      throw local(target, e);
    }
  }

  /** Keeps what tells this version from others: a strong ETag, else the time of the change. */
  private static void keep(Path version, HttpResponse<?> r) {
    String tag = r.headers().firstValue("etag").filter(t -> t.startsWith("\"")).orElse("");
    String name = tag.isEmpty() ? r.headers().firstValue("last-modified").orElse("") : tag;
    if (!name.isEmpty()) {
      try {
        Files.writeString(version, name);
      } catch (IOException e) {
        throw local(version, e);
      }
    }
  }

  private static String read(Path version) {
    try {
      return Files.isRegularFile(version) ? Files.readString(version).strip() : "";
    } catch (IOException e) {
      throw new NucleusException("IO_READ_ERROR", "Cannot read " + version + ".", e);
    }
  }

  private static NucleusException failure(
      String call,
      HttpResponse<InputStream> r,
      InputStream body,
      Function<DataPlaneClient.Answer, NucleusException> refused)
      throws IOException {
    DataPlaneClient.Answer answer =
        new DataPlaneClient.Answer(r.statusCode(), r.headers(), body.readNBytes(MAX_ERROR));
    if (answer.status() == 429 || answer.status() >= 500) {
      return new CloudUnavailableException(
          call + " was answered with " + answer.status() + " " + DataPlaneClient.message(answer));
    }
    return refused.apply(answer);
  }

  /** Where the sent part begins; a server may send more than was asked for, never less. */
  private static long start(HttpResponse<InputStream> r, long have) throws IOException {
    String range = r.headers().firstValue("content-range").orElse("");
    Matcher m = CONTENT_RANGE.matcher(range);
    if (!m.matches() || Long.parseLong(m.group(1)) > have) {
      throw new IOException("the server sent the range '" + range + "', asked for from " + have);
    }
    return Long.parseLong(m.group(1));
  }

  private void write(String call, InputStream body, Path target, long from) throws IOException {
    AtomicLong lastByte = new AtomicLong(System.nanoTime());
    Thread watch =
        Thread.ofVirtual().name("download-watch").start(() -> watch(body, lastByte, stall));
    try (FileChannel file = open(target)) {
      place(file, from, target);
      byte[] buffer = new byte[BUFFER];
      int n;
      while ((n = body.read(buffer)) >= 0) {
        lastByte.set(System.nanoTime());
        append(file, buffer, n, target);
      }
    } catch (IOException e) {
      if (System.nanoTime() - lastByte.get() >= stall.toNanos()) {
        throw new CloudUnavailableException(
            call + " stood still for " + stall.toSeconds() + " s and will be continued.", e);
      }
      throw e;
    } finally {
      watch.interrupt();
    }
  }

  /** Closes the body under the reader when no byte came for a while. */
  private static void watch(InputStream body, AtomicLong lastByte, Duration stall) {
    try {
      while (true) {
        Duration left = stall.minusNanos(System.nanoTime() - lastByte.get());
        if (!left.isPositive()) {
          body.close();
          return;
        }
        Thread.sleep(left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // the download ended
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static FileChannel open(Path target) {
    try {
      return FileChannel.open(target, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    } catch (IOException e) {
      throw local(target, e);
    }
  }

  private static void place(FileChannel file, long from, Path target) {
    try {
      file.truncate(from).position(from);
    } catch (IOException e) {
      throw local(target, e);
    }
  }

  private static void append(FileChannel file, byte[] buffer, int n, Path target) {
    try {
      ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, n);
      while (bytes.hasRemaining()) {
        file.write(bytes);
      }
    } catch (IOException e) {
      throw local(target, e);
    }
  }

  private static NucleusException local(Path target, IOException e) {
    return new NucleusException(
        "IO_WRITE_ERROR",
        "Cannot write " + target + " (" + e.getMessage() + "); check the disk.",
        e);
  }

  private static long size(Path target) {
    try {
      return Files.isRegularFile(target) ? Files.size(target) : 0;
    } catch (IOException e) {
      throw new NucleusException("IO_READ_ERROR", "Cannot read " + target + ".", e);
    }
  }
}
