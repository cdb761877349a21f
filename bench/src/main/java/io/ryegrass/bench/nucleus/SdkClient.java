package io.ryegrass.bench.nucleus;

import io.ryegrass.bench.report.BenchFailed;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import software.amazon.awssdk.aws.greengrass.GreengrassCoreIPCClientV2;
import software.amazon.awssdk.aws.greengrass.model.BinaryMessage;
import software.amazon.awssdk.aws.greengrass.model.GetConfigurationRequest;
import software.amazon.awssdk.aws.greengrass.model.PublishMessage;
import software.amazon.awssdk.aws.greengrass.model.PublishToTopicRequest;
import software.amazon.awssdk.aws.greengrass.model.ReceiveMode;
import software.amazon.awssdk.aws.greengrass.model.SubscribeToTopicRequest;
import software.amazon.awssdk.aws.greengrass.model.UpdateConfigurationRequest;

/** A connection of AWS's own IPC client for Java, as a component would use it. */
final class SdkClient implements LoadClient {
  private final GreengrassCoreIPCClientV2 client;

  private SdkClient(GreengrassCoreIPCClientV2 client) {
    this.client = client;
  }

  static SdkClient connect(Path socket, String token) throws IOException {
    return new SdkClient(
        GreengrassCoreIPCClientV2.builder()
            .withSocketPath(socket.toString())
            .withAuthToken(token)
            .withoutExecutor()
            .build());
  }

  @Override
  public void subscribe(String topic, LongAdder heard) throws InterruptedException {
    client.subscribeToTopic(
        new SubscribeToTopicRequest()
            .withTopic(topic)
            .withReceiveMode(ReceiveMode.RECEIVE_ALL_MESSAGES),
        event -> heard.increment(),
        Optional.empty(),
        Optional.empty());
  }

  private static PublishToTopicRequest message(String topic, byte[] payload) {
    return new PublishToTopicRequest()
        .withTopic(topic)
        .withPublishMessage(
            new PublishMessage().withBinaryMessage(new BinaryMessage().withMessage(payload)));
  }

  @Override
  public long publish(String topic, byte[] payload, long untilNanos) throws InterruptedException {
    return flood(untilNanos, () -> client.publishToTopicAsync(message(topic, payload)));
  }

  @Override
  public void publishOnce(String topic, byte[] payload) throws InterruptedException {
    client.publishToTopic(message(topic, payload));
  }

  @Override
  public long call(Call call, long untilNanos) throws InterruptedException {
    return switch (call) {
      case GET_CONFIGURATION ->
          flood(
              untilNanos,
              () ->
                  client.getConfigurationAsync(
                      new GetConfigurationRequest().withKeyPath(List.of("inner"))));
      case UPDATE_CONFIGURATION ->
          flood(
              untilNanos,
              () ->
                  client.updateConfigurationAsync(
                      new UpdateConfigurationRequest()
                          .withKeyPath(List.of("inner"))
                          .withTimestamp(Instant.now())
                          .withValueToMerge(Map.of("depth", 2))));
    };
  }

  private static long flood(long untilNanos, Supplier<CompletableFuture<?>> call)
      throws InterruptedException {
    Semaphore room = new Semaphore(WINDOW);
    LongAdder failed = new LongAdder();
    long calls = 0;
    while (System.nanoTime() < untilNanos) {
      room.acquire();
      call.get()
          .whenComplete(
              (answer, error) -> {
                if (error != null) {
                  failed.increment();
                }
                room.release();
              });
      calls++;
    }
    if (!room.tryAcquire(WINDOW, 60, TimeUnit.SECONDS)) {
      throw new BenchFailed("answers are missing after 60 s");
    }
    if (failed.sum() > 0) {
      throw new BenchFailed(failed.sum() + " of " + calls + " calls failed");
    }
    return calls;
  }

  @Override
  public void close() throws Exception {
    client.close();
  }
}
