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
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Streams bodies into files and continues partial ones by {@code Range}. A body that stops coming
 * is given up after {@link #STALL}; what came by then is kept for the next attempt.
 */
final class Downloads {
  private static final Duration STALL = Duration.ofSeconds(30);
  private static final int BUFFER = 32 << 10;
  private static final int MAX_ERROR = 16 << 10;
  private static final Pattern CONTENT_RANGE = Pattern.compile("bytes (\\d+)-\\d+/(?:\\d+|\\*)");

  private final DataPlaneClient client;

  Downloads(DataPlaneClient client) {
    this.client = client;
  }

  /**
   * @param what the artifact, for messages
   * @param request a GET without {@code Range}
   * @param refused makes the exception of an answer that is no body
   */
  void fetch(
      String what,
      HttpRequest.Builder request,
      Path target,
      Function<DataPlaneClient.Answer, NucleusException> refused) {
    long have = size(target);
    if (have > 0) {
      request.setHeader("range", "bytes=" + have + "-");
    }
    String call = "The download of " + what;
    HttpResponse<InputStream> r = client.open(call, DataPlaneClient.Trust.DOWNLOADS, request);
    try (InputStream body = r.body()) {
      switch (r.statusCode()) {
        case 200 -> write(call, body, target, 0);
        case 206 -> write(call, body, target, start(r, have));
        case 416 -> {
          if (!r.headers().firstValue("content-range").orElse("").equals("bytes */" + have)) {
            Files.delete(target);
            throw new CloudUnavailableException(
                call + " cannot be continued at " + have + " bytes; it begins again.");
          }
        }
        default -> throw failure(call, r, body, refused);
      }
    } catch (IOException e) {
      throw DataPlaneClient.unavailable(call, e);
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

  private static void write(String call, InputStream body, Path target, long from)
      throws IOException {
    AtomicLong lastByte = new AtomicLong(System.nanoTime());
    Thread watch = Thread.ofVirtual().name("download-watch").start(() -> watch(body, lastByte));
    try (FileChannel file = open(target)) {
      place(file, from, target);
      byte[] buffer = new byte[BUFFER];
      int n;
      while ((n = body.read(buffer)) >= 0) {
        lastByte.set(System.nanoTime());
        append(file, buffer, n, target);
      }
    } catch (IOException e) {
      if (System.nanoTime() - lastByte.get() >= STALL.toNanos()) {
        throw new CloudUnavailableException(
            call + " stood still for " + STALL.toSeconds() + " s and will be continued.", e);
      }
      throw e;
    } finally {
      watch.interrupt();
    }
  }

  /** Closes the body under the reader when no byte came for {@link #STALL}. */
  private static void watch(InputStream body, AtomicLong lastByte) {
    try {
      while (true) {
        Duration left = STALL.minusNanos(System.nanoTime() - lastByte.get());
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
