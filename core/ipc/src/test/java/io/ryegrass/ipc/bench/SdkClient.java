package io.ryegrass.ipc.bench;

import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import software.amazon.awssdk.aws.greengrass.GreengrassCoreIPCClientV2;
import software.amazon.awssdk.aws.greengrass.model.BinaryMessage;
import software.amazon.awssdk.aws.greengrass.model.GetConfigurationRequest;
import software.amazon.awssdk.aws.greengrass.model.PublishMessage;
import software.amazon.awssdk.aws.greengrass.model.PublishToTopicRequest;
import software.amazon.awssdk.aws.greengrass.model.ReceiveMode;
import software.amazon.awssdk.aws.greengrass.model.SubscribeToTopicRequest;
import software.amazon.awssdk.aws.greengrass.model.UpdateConfigurationRequest;

/** The same loads through AWS's own SDK for Java. */
final class SdkClient implements AutoCloseable {
  private final GreengrassCoreIPCClientV2 client;

  SdkClient(Path socket, String token) throws java.io.IOException {
    client =
        GreengrassCoreIPCClientV2.builder()
            .withSocketPath(socket.toString())
            .withAuthToken(token)
            .withoutExecutor()
            .build();
  }

  void subscribe(String topic, LongAdder count) throws InterruptedException {
    client.subscribeToTopic(
        new SubscribeToTopicRequest()
            .withTopic(topic)
            .withReceiveMode(ReceiveMode.RECEIVE_ALL_MESSAGES),
        event -> count.increment(),
        Optional.empty(),
        Optional.empty());
  }

  /** Sends as fast as answers come, so many in flight. */
  void publish(String topic, byte[] payload, int messages, int window) throws Exception {
    flood(
        messages,
        window,
        () ->
            client.publishToTopicAsync(
                new PublishToTopicRequest()
                    .withTopic(topic)
                    .withPublishMessage(
                        new PublishMessage()
                            .withBinaryMessage(new BinaryMessage().withMessage(payload)))));
  }

  void get(int calls, int window) throws Exception {
    flood(
        calls,
        window,
        () ->
            client.getConfigurationAsync(
                new GetConfigurationRequest().withKeyPath(List.of("inner"))));
  }

  void update(int calls, int window) throws Exception {
    flood(
        calls,
        window,
        () ->
            client.updateConfigurationAsync(
                new UpdateConfigurationRequest()
                    .withKeyPath(List.of("inner"))
                    .withTimestamp(Instant.now())
                    .withValueToMerge(Map.of("depth", 2))));
  }

  void publishOnce(String topic, byte[] payload) throws Exception {
    client.publishToTopic(
        new PublishToTopicRequest()
            .withTopic(topic)
            .withPublishMessage(
                new PublishMessage().withBinaryMessage(new BinaryMessage().withMessage(payload))));
  }

  private interface Call {
    CompletableFuture<?> start();
  }

  private static void flood(int calls, int window, Call call) throws InterruptedException {
    Semaphore room = new Semaphore(window);
    for (int i = 0; i < calls; i++) {
      room.acquire();
      call.start().whenComplete((answer, error) -> room.release());
    }
    if (!room.tryAcquire(window, 60, TimeUnit.SECONDS)) {
      throw new IllegalStateException("answers are missing");
    }
  }

  @Override
  public void close() throws Exception {
    client.close();
  }
}
