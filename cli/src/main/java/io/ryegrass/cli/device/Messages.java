package io.ryegrass.cli.device;

import io.ryegrass.cli.device.CoreAccess.CommandFailure;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Publishing and listening, on the core's own topics and on the cloud's. */
final class Messages {
  private final CliMain cli;
  private final CommandSpec spec;

  Messages(CliMain cli, CommandSpec spec) {
    this.cli = cli;
    this.spec = spec;
  }

  private String topic(String topic) {
    if (topic.isBlank()) {
      throw new ParameterException(spec.commandLine(), "Topic name cannot be empty");
    }
    return topic;
  }

  /** A message that is a JSON object goes as one, so that components read it as such. */
  void publishLocally(String topic, byte[] message) {
    ObjectNode request = CoreAccess.empty().put("topic", topic(topic));
    ObjectNode published = request.putObject("publishMessage");
    JsonNode json = json(message);
    if (json != null) {
      published.putObject("jsonMessage").set("message", json);
    } else {
      published
          .putObject("binaryMessage")
          .put("message", Base64.getEncoder().encodeToString(message));
    }
    cli.core().call("PublishToTopic", request);
    told(topic, request);
  }

  void publishToCloud(String topic, byte[] message, int qos) {
    ObjectNode request =
        CoreAccess.empty()
            .put("topicName", topic(topic))
            .put("qos", Integer.toString(qos))
            .put("payload", Base64.getEncoder().encodeToString(message));
    cli.core().call("PublishToIoTCore", request);
    told(topic, request);
  }

  private void told(String topic, ObjectNode request) {
    Result.print(
        cli,
        spec.commandLine().getOut(),
        request,
        out -> out.println("Successfully published to topic " + topic));
  }

  /**
   * Prints what is heard, one line each.
   *
   * @param count ends after so many messages; 0 does not end
   */
  void listenLocally(String topic, int count) {
    listen(
        "SubscribeToTopic",
        CoreAccess.empty().put("topic", topic(topic)).put("receiveMode", "RECEIVE_ALL_MESSAGES"),
        topic,
        count,
        event -> {
          JsonNode json = event.path("jsonMessage");
          JsonNode content = json.isObject() ? json : event.path("binaryMessage");
          JsonNode message = content.path("message");
          return line(
              content.path("context").path("topic").asString(topic),
              json.isObject() ? message : null,
              json.isObject() ? "" : message.asString(""));
        });
  }

  void listenToCloud(String topic, int qos, int count) {
    listen(
        "SubscribeToIoTCore",
        CoreAccess.empty().put("topicName", topic(topic)).put("qos", Integer.toString(qos)),
        topic,
        count,
        event -> {
          JsonNode message = event.path("message");
          return line(
              message.path("topicName").asString(topic),
              null,
              message.path("payload").asString(""));
        });
  }

  private interface Reading {
    ObjectNode of(ObjectNode event);
  }

  private void listen(
      String operation, ObjectNode request, String topic, int count, Reading reading) {
    PrintWriter out = spec.commandLine().getOut();
    CountDownLatch left = new CountDownLatch(count == 0 ? Integer.MAX_VALUE : count);
    Thread listener = Thread.currentThread();
    Thread ender =
        Thread.ofVirtual()
            .unstarted(
                () -> {
                  try {
                    left.await();
                    listener.interrupt();
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                });
    try (var client = cli.core().connect()) {
      var stream =
          client.subscribe(
              "aws.greengrass#" + operation,
              request,
              CoreAccess.PATIENCE,
              event -> {
                if (left.getCount() > 0) {
                  print(out, reading.of(event));
                  left.countDown();
                }
              });
      if (cli.output == CliMain.Output.text) {
        out.println("Listening to " + topic);
        out.flush();
      }
      ender.start();
      stream.end().get();
    } catch (InterruptedException e) {
      return;
    } catch (java.util.concurrent.ExecutionException e) {
      throw new CommandFailure("the core ended the subscription: " + e.getCause());
    } finally {
      ender.interrupt();
    }
  }

  private void print(PrintWriter out, ObjectNode message) {
    out.println(
        cli.output == CliMain.Output.json
            ? Result.line(message)
            : message.path("topic").asString("")
                + " "
                + (message.has("json")
                    ? message.path("json").toString()
                    : message.has("text")
                        ? message.path("text").asString("")
                        : message.path("base64").asString("")));
    out.flush();
  }

  private static ObjectNode line(String topic, @Nullable JsonNode json, String base64) {
    ObjectNode line = CoreAccess.empty().put("topic", topic);
    if (json != null) {
      line.set("json", json);
      return line;
    }
    String text = text(Base64.getDecoder().decode(base64));
    return text == null ? line.put("base64", base64) : line.put("text", text);
  }

  private static @Nullable String text(byte[] bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      return null;
    }
  }

  private static @Nullable JsonNode json(byte[] message) {
    try {
      JsonNode json = Result.JSON.readTree(message);
      return json.isObject() ? json : null;
    } catch (JacksonException e) {
      return null;
    }
  }
}
