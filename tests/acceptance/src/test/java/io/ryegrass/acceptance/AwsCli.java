package io.ryegrass.acceptance;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The AWS CLI against one cloud as {@code ./ryegrass aws} starts it, for scenarios that call it
 * many times: one process loads it, each call is a fork of that ({@code aws-cli.py}), with its own
 * arguments, output and exit code.
 */
final class AwsCli implements AutoCloseable {
  private static final Path SCRIPT = Path.of("src/test/resources/aws-cli.py").toAbsolutePath();
  private static final Duration DEADLINE = Duration.ofSeconds(120);

  private final Process process;
  private final InputStream answers;
  private final OutputStream calls;
  private final String endpoint;
  private final ReentrantLock turn = new ReentrantLock();

  private AwsCli(Process process, String endpoint) {
    this.process = process;
    this.answers = new BufferedInputStream(process.getInputStream());
    this.calls = process.getOutputStream();
    this.endpoint = endpoint;
  }

  /**
   * @param data of a cloud that runs
   * @return null where the system's Python does not have the CLI as a module (AWS also ships it as
   *     a program without one)
   */
  static @Nullable AwsCli start(Path data) {
    JsonNode endpoints =
        JsonMapper.shared().readTree(TestCloud.read(data.resolve("endpoints.json")));
    try {
      ProcessBuilder builder =
          new ProcessBuilder("python3", SCRIPT.toString())
              .directory(data.toFile().getParentFile())
              .redirectError(Files.createTempFile(data.getParent(), "aws-cli", ".txt").toFile());
      Map<String, String> environment = builder.environment();
      environment.keySet().removeIf(name -> name.startsWith("AWS_"));
      environment.put("AWS_SHARED_CREDENTIALS_FILE", data.resolve("credentials").toString());
      environment.put("AWS_CONFIG_FILE", "/dev/null");
      environment.put("AWS_DEFAULT_REGION", endpoints.path("region").asString());
      environment.put("AWS_PAGER", "");
      environment.put("AWS_EC2_METADATA_DISABLED", "true");
      AwsCli cli = new AwsCli(builder.start(), endpoints.path("apiUrl").asString());
      if (cli.within(cli::line).equals("ready")) {
        return cli;
      }
      cli.close();
      return null;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** One call to its end. */
  Ryegrass.Outcome call(String... arguments) {
    List<String> all = new ArrayList<>(List.of("--endpoint-url", endpoint));
    all.addAll(List.of(arguments));
    turn.lock();
    try {
      calls.write(
          (JsonMapper.shared().writeValueAsString(all) + "\n").getBytes(StandardCharsets.UTF_8));
      calls.flush();
      return within(this::answer);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      turn.unlock();
    }
  }

  private Ryegrass.Outcome answer() throws IOException {
    String[] head = line().split(" ", 2);
    if (head.length != 2) {
      throw new IOException("the process of the AWS CLI has ended");
    }
    byte[] output = answers.readNBytes(Integer.parseInt(head[1]));
    return new Ryegrass.Outcome(
        Integer.parseInt(head[0]), new String(output, StandardCharsets.UTF_8));
  }

  /** Empty at the end. */
  private String line() throws IOException {
    StringBuilder line = new StringBuilder();
    for (int c = answers.read(); c >= 0 && c != '\n'; c = answers.read()) {
      line.append((char) c);
    }
    return line.toString();
  }

  private interface Reading<T> {
    T read() throws IOException;
  }

  private <T> T within(Reading<T> reading) throws IOException {
    CompletableFuture<T> answer = new CompletableFuture<>();
    Thread.ofVirtual()
        .start(
            () -> {
              try {
                answer.complete(reading.read());
              } catch (IOException | RuntimeException e) {
                answer.completeExceptionally(e);
              }
            });
    try {
      return answer.get(DEADLINE.toSeconds(), TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      process.destroyForcibly();
      throw new IOException("the AWS CLI did not answer within " + DEADLINE, e);
    } catch (ExecutionException e) {
      throw new IOException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  @Override
  public void close() {
    process.destroy();
  }
}
