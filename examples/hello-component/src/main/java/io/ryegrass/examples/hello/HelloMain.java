package io.ryegrass.examples.hello;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import software.amazon.awssdk.aws.greengrass.GreengrassCoreIPCClientV2;
import software.amazon.awssdk.aws.greengrass.model.BinaryMessage;
import software.amazon.awssdk.aws.greengrass.model.GetConfigurationRequest;
import software.amazon.awssdk.aws.greengrass.model.PublishMessage;
import software.amazon.awssdk.aws.greengrass.model.PublishToIoTCoreRequest;
import software.amazon.awssdk.aws.greengrass.model.PublishToTopicRequest;
import software.amazon.awssdk.aws.greengrass.model.QOS;
import software.amazon.awssdk.aws.greengrass.model.SubscribeToTopicRequest;
import software.amazon.awssdk.aws.greengrass.model.SubscriptionResponseMessage;

/**
 * Says {@code message} every {@code intervalMs} on {@value #LOCAL} and passes what it hears there
 * to {@value #CLOUD}.
 */
public final class HelloMain {
  private static final String LOCAL = "demo/hello/local";
  private static final String CLOUD = "demo/hello/cloud";

  private HelloMain() {}

  public static void main(String[] args) {
    try (GreengrassCoreIPCClientV2 nucleus = GreengrassCoreIPCClientV2.builder().build()) {
      Map<String, Object> configuration =
          nucleus.getConfiguration(new GetConfigurationRequest().withKeyPath(List.of())).getValue();
      String message = String.valueOf(configuration.get("message"));
      long interval =
          configuration.get("intervalMs") instanceof Number number ? number.longValue() : 1000;
      nucleus.subscribeToTopic(
          new SubscribeToTopicRequest().withTopic(LOCAL),
          heard -> passOn(nucleus, heard),
          Optional.of(error -> leave("the subscription failed", error)),
          Optional.empty());
      System.out.println("saying \"" + message + "\" every " + interval + " ms");
      for (long number = 1; ; number++) {
        byte[] text = (message + " #" + number).getBytes(StandardCharsets.UTF_8);
        nucleus.publishToTopic(
            new PublishToTopicRequest()
                .withTopic(LOCAL)
                .withPublishMessage(
                    new PublishMessage().withBinaryMessage(new BinaryMessage().withMessage(text))));
        Thread.sleep(interval);
      }
    } catch (Exception e) {
      leave("the nucleus does not answer", e);
    }
  }

  private static void passOn(GreengrassCoreIPCClientV2 nucleus, SubscriptionResponseMessage heard) {
    try {
      nucleus.publishToIoTCore(
          new PublishToIoTCoreRequest()
              .withTopicName(CLOUD)
              .withQos(QOS.AT_LEAST_ONCE)
              .withPayload(heard.getBinaryMessage().getMessage()));
    } catch (Exception e) {
      // for example a full spool: this message is lost, the next may pass
      System.err.println("not passed on to the cloud: " + e);
    }
  }

  /** Ends at once: the native threads of the SDK would otherwise keep the process alive. */
  private static boolean leave(String what, Throwable why) {
    System.err.println(what + ": " + why);
    Runtime.getRuntime().halt(1);
    return true;
  }
}
