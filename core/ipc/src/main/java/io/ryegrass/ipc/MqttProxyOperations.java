package io.ryegrass.ipc;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.ryegrass.eventstream.RpcOperation.Order;
import io.ryegrass.eventstream.ServerStream;
import io.ryegrass.eventstream.SharedEvent;
import io.ryegrass.model.InvalidDocumentException;
import io.ryegrass.model.Topics;
import io.ryegrass.nucleus.NucleusException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** PublishToIoTCore and SubscribeToIoTCore (v2-ipc.md §7.4). */
final class MqttProxyOperations {
  private static final Logger log = LoggerFactory.getLogger(MqttProxyOperations.class);
  private static final String PUBLISH = "PublishToIoTCore";
  private static final String SUBSCRIBE = "SubscribeToIoTCore";
  private static final String STATUS = "SubscribeToIoTCoreConnectionStatus";
  private static final int STATUS_INTERVAL_MS = 250;
  private static final int MAX_TOPIC_BYTES = 256;
  private static final int MAX_SLASHES = 7;
  private static final String RESERVED = "$aws/";

  private final IpcServer.Core core;
  private final Authorisation authorisation;

  MqttProxyOperations(IpcServer.Core core, Authorisation authorisation) {
    this.core = core;
    this.authorisation = authorisation;
  }

  void addTo(CoreService.Table table) {
    table.unary(PUBLISH, Order.IN_ORDER, this::publish);
    table.streaming(SUBSCRIBE, "IoTCoreMessage", Order.CONCURRENT, this::subscribe);
    table.streaming(
        STATUS, "IoTCoreConnectionStatusEvent", Order.CONCURRENT, this::subscribeToStatus);
  }

  /** Answers when the spool has the message: at QoS 1 it then survives the end of this process. */
  private ObjectNode publish(String principal, ObjectNode request) {
    String topic = Requests.text(request, "topicName");
    int qos = qos(request);
    byte[] payload = Requests.blob(request, "payload");
    authorisation.check(principal, Authorisation.MQTT_PROXY, Errors.NAMESPACE + PUBLISH, topic);
    try {
      if (!topic.startsWith(RESERVED)) { // the link knows the rules of the cloud's own topics
        Topics.checkTopic(topic, MAX_TOPIC_BYTES, MAX_SLASHES);
      }
      core.messaging().publish(MqttMessageShape.read(request, topic, payload, qos));
    } catch (InvalidDocumentException | NucleusException e) {
      throw Errors.service("Publishing to " + topic + " failed: " + Errors.text(e));
    }
    return Requests.empty();
  }

  private void subscribe(ServerStream stream, ObjectNode request) {
    String filter = Requests.text(request, "topicName");
    int qos = qos(request);
    authorisation.check(
        stream.principal(), Authorisation.MQTT_PROXY, Errors.NAMESPACE + SUBSCRIBE, filter);
    EventPump pump = new EventPump(stream, "messages of the cloud on " + filter);
    AutoCloseable subscription;
    try {
      Topics.checkFilter(withoutRulePrefix(filter), MAX_TOPIC_BYTES, MAX_SLASHES);
      subscription =
          core.messaging()
              .subscribe(
                  filter,
                  qos,
                  message -> pump.offer(MqttMessageShape.write(message), message.payload().length));
    } catch (InvalidDocumentException | NucleusException e) {
      throw Errors.service("Subscribing to " + filter + " failed: " + Errors.text(e));
    }
    stream.onClose(() -> unsubscribe(filter, subscription));
    stream.respond(Requests.empty());
  }

  /** The status now, and then each change of it, until the client has enough. */
  private void subscribeToStatus(ServerStream stream, ObjectNode request) {
    authorisation.check(
        stream.principal(), Authorisation.MQTT_PROXY, Errors.NAMESPACE + STATUS, "");
    CountDownLatch closed = new CountDownLatch(1);
    stream.onClose(closed::countDown);
    stream.respond(Requests.empty());
    Thread.ofVirtual().name("ipc-status-" + stream.key()).start(() -> watchStatus(stream, closed));
  }

  private void watchStatus(ServerStream stream, CountDownLatch closed) {
    Boolean told = null;
    try {
      do {
        boolean connected = core.messaging().connected();
        if (told == null || told != connected) {
          told = connected;
          boolean _ = stream.offerEvent(status(connected ? "CONNECTED" : "DISCONNECTED"));
        }
      } while (!closed.await(STATUS_INTERVAL_MS, TimeUnit.MILLISECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static SharedEvent status(String status) {
    return new SharedEvent(
        ("{\"connectionStatusEvent\":{\"status\":\"" + status + "\"}}").getBytes(UTF_8));
  }

  private static void unsubscribe(String filter, AutoCloseable subscription) {
    try {
      subscription.close();
    } catch (Exception e) {
      log.warn("ending the cloud subscription to {} failed: {}", filter, e.toString());
    }
  }

  /** Basic-ingest topics do not count their first three levels. */
  private static String withoutRulePrefix(String topic) {
    if (!topic.startsWith("$aws/rules/")) {
      return topic;
    }
    int end = topic.indexOf('/', "$aws/rules/".length());
    return end < 0 || end == topic.length() - 1 ? topic : topic.substring(end + 1);
  }

  private static int qos(ObjectNode request) {
    JsonNode qos = request.path("qos");
    return switch (qos.asString("")) {
      case "0" -> 0;
      case "1" -> 1;
      default -> throw Errors.invalidArguments("qos must be \"0\" or \"1\"");
    };
  }
}
