package io.ryegrass.bench.cloud;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.ryegrass.bench.mqtt.Wire;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A core as its cloud sees it (v2-deployments reference, sections 2, 3 and 11): connects,
 * subscribes the control topics, tells its whole status, asks for its deployment shadow and its
 * next job. Told of a job, it asks for it, reports IN_PROGRESS and SUCCEEDED, each time waiting for
 * the answer, tells its status with the deployment's end, and reports in its own shadow. Each step
 * waits for the cloud's answer to the one before. Used by one thread only.
 */
final class SimulatedCore implements Wire.Listener {
  /** What has been reached; in this order. */
  enum Step {
    NEW,
    CONNECTING,
    CONNECTED,
    SUBSCRIBED,
    STATUS_TOLD,
    SHADOW_KNOWN,
    /** It asked for a job and there was none. */
    READY,
    JOB_ASKED,
    JOB_KNOWN,
    IN_PROGRESS,
    SUCCEEDED,
    DEPLOYMENT_TOLD,
    SHADOW_REPORTED,
    /** The deployment is over and its answers are no longer subscribed. */
    DONE,
    FAILED
  }

  /** Hears of steps; on the core's thread. */
  interface Watcher {
    void reached(SimulatedCore core, Step step);
  }

  static final String NAMESPACE = "namespace-aws-gg-deployment";
  static final String DEPLOYMENT_SHADOW = "AWSManagedGreengrassV2Deployment";

  /** The longest that AWS IoT Core takes; no ping disturbs a measurement. */
  private static final int KEEP_ALIVE_SECONDS = 1200;

  private static final int MOST_RETRIES = 10;

  private static final JsonMapper JSON = JsonMapper.shared();

  private final String thing;
  private final Watcher watcher;
  private Step step = Step.NEW;
  private String problem = "";
  private @Nullable Wire wire;
  private int packetId;
  private int sequence;
  private int retries;
  private int jobs;
  private String jobId = "";
  private String jobDocument = "";

  SimulatedCore(String thing, Watcher watcher) {
    this.thing = thing;
    this.watcher = watcher;
  }

  String thing() {
    return thing;
  }

  Step step() {
    return step;
  }

  /** What went wrong; empty as long as nothing did. */
  String problem() {
    return problem;
  }

  /** How often its connection was closed before it was answered. */
  int retries() {
    return retries;
  }

  /** How many jobs it was given. */
  int jobs() {
    return jobs;
  }

  /** The last job it was given; empty when none was. */
  String jobId() {
    return jobId;
  }

  /** The document of that job, as JSON. */
  String jobDocument() {
    return jobDocument;
  }

  /** A connection was begun for it. */
  void begin() {
    step = Step.CONNECTING;
  }

  void leave() {
    Wire connection = wire;
    if (connection != null && !connection.gone()) {
      send(DevicePackets.disconnect());
      connection.close();
    }
  }

  private String jobsTopic() {
    return "$aws/things/" + thing + "/jobs/";
  }

  private String shadowTopic() {
    return "$aws/things/" + thing + "/shadow/";
  }

  @Override
  public void open(Wire opened) {
    wire = opened;
    send(DevicePackets.connect(thing, KEEP_ALIVE_SECONDS));
  }

  @Override
  public void packet(Wire from, int first, ByteBuffer bytes, int body, int length) {
    switch (first >> 4) {
      case DevicePackets.CONNACK -> connected(bytes.get(body + 1));
      case DevicePackets.SUBACK -> subscribed(bytes, body, length);
      case DevicePackets.PUBACK -> acknowledged();
      case DevicePackets.UNSUBACK -> advance(Step.SHADOW_REPORTED, Step.DONE);
      case DevicePackets.PUBLISH -> {
        DevicePackets.Message message = DevicePackets.Message.of(first, bytes, body, length);
        if (message.packetId() > 0) {
          send(DevicePackets.acknowledge(message.packetId()));
        }
        arrived(message.topic(), message.payload());
      }
      default -> {
        // PINGRESP, and what no server of version 3.1.1 sends
      }
    }
  }

  private void connected(int code) {
    if (code != 0) {
      fail("its connection was refused with code " + code);
      return;
    }
    advance(Step.CONNECTING, Step.CONNECTED);
    String next = jobsTopic() + "$next/" + NAMESPACE + "/get/";
    String shadow = shadowTopic() + "name/" + DEPLOYMENT_SHADOW + "/";
    send(
        DevicePackets.subscribe(
            nextId(),
            List.of(
                jobsTopic() + "notify-" + NAMESPACE,
                next + "accepted",
                next + "rejected",
                shadow + "update/accepted",
                shadow + "update/rejected",
                shadow + "get/accepted",
                shadow + "get/rejected",
                shadowTopic() + "update/accepted")));
  }

  private void subscribed(ByteBuffer bytes, int body, int length) {
    for (int i = 2; i < length; i++) {
      if (bytes.get(body + i) < 0) {
        fail("its subscription number " + (i - 1) + " was refused at " + step);
        return;
      }
    }
    if (advance(Step.CONNECTED, Step.SUBSCRIBED)) {
      tellStatus("NUCLEUS_LAUNCH", "");
    } else if (step == Step.JOB_KNOWN) {
      updateJob("IN_PROGRESS", "");
    }
  }

  private void acknowledged() {
    if (advance(Step.SUBSCRIBED, Step.STATUS_TOLD)) {
      publish(shadowTopic() + "name/" + DEPLOYMENT_SHADOW + "/get", "{}");
    } else if (advance(Step.SUCCEEDED, Step.DEPLOYMENT_TOLD)) {
      publish(
          shadowTopic() + "update",
          "{\"state\":{\"reported\":{\"deployment\":\"" + jobId + "\",\"load\":0.25}}}");
    }
  }

  private void arrived(String topic, byte[] payload) {
    if (topic.endsWith("/rejected")) {
      if (topic.endsWith("/get/rejected") && step == Step.STATUS_TOLD) {
        shadowKnown(); // 404: there is none yet
      } else {
        fail(topic + " at " + step + ": " + new String(payload, UTF_8));
      }
    } else if (topic.endsWith("/get/accepted") && topic.startsWith(shadowTopic())) {
      shadowKnown();
    } else if (topic.endsWith("/notify-" + NAMESPACE)) {
      if (step == Step.READY && contains(payload, "\"QUEUED\"")) {
        step = Step.JOB_ASKED;
        askForJob();
      }
    } else if (topic.endsWith("/get/accepted")) {
      described(payload);
    } else if (topic.equals(shadowTopic() + "update/accepted")) {
      if (advance(Step.DEPLOYMENT_TOLD, Step.SHADOW_REPORTED)) {
        send(DevicePackets.unsubscribe(nextId(), answers()));
      }
    } else if (topic.endsWith("/update/accepted") && topic.startsWith(jobsTopic())) {
      if (advance(Step.JOB_KNOWN, Step.IN_PROGRESS)) {
        updateJob("SUCCEEDED", "\"detailed-deployment-status\":\"SUCCESSFUL\"");
      } else if (advance(Step.IN_PROGRESS, Step.SUCCEEDED)) {
        tellStatus("THING_GROUP_DEPLOYMENT", deploymentInformation());
      }
    }
  }

  private static boolean contains(byte[] payload, String text) {
    return new String(payload, UTF_8).contains(text);
  }

  private void shadowKnown() {
    if (advance(Step.STATUS_TOLD, Step.SHADOW_KNOWN)) {
      askForJob();
    }
  }

  private void askForJob() {
    publish(
        jobsTopic() + "$next/" + NAMESPACE + "/get",
        "{\"jobId\":\"$next\",\"thingName\":\"" + thing + "\",\"includeJobDocument\":true}");
  }

  private void described(byte[] payload) {
    JsonNode execution;
    try {
      execution = JSON.readTree(payload).path("execution");
    } catch (JacksonException e) {
      fail("its job is no JSON: " + e.getOriginalMessage());
      return;
    }
    String id = execution.path("jobId").asString("");
    if (id.isEmpty()) {
      if (step == Step.JOB_ASKED) {
        step = Step.READY; // told of a job that is gone again
      } else {
        advance(Step.SHADOW_KNOWN, Step.READY);
      }
    } else if (!id.equals(jobId)) {
      jobs++;
      jobId = id;
      jobDocument = execution.path("jobDocument").toString();
      if (!execution.path("thingName").asString(thing).equals(thing)) {
        fail("it was given the job of " + execution.path("thingName").asString(""));
      } else {
        step = Step.JOB_KNOWN;
        watcher.reached(this, Step.JOB_KNOWN);
        send(DevicePackets.subscribe(nextId(), answers()));
      }
    }
  }

  private List<String> answers() {
    String update = jobsTopic() + jobId + "/" + NAMESPACE + "/update/";
    return List.of(update + "accepted", update + "rejected");
  }

  private void updateJob(String status, String details) {
    publish(
        jobsTopic() + jobId + "/" + NAMESPACE + "/update",
        "{\"jobId\":\"%s\",\"thingName\":\"%s\",\"status\":\"%s\",\"clientToken\":\"%s\",\"statusDetails\":{%s}}"
            .formatted(jobId, thing, status, status, details));
  }

  private String deploymentInformation() {
    String arn = JSON.readTree(jobDocument).path("configurationArn").asString("");
    return ",\"deploymentInformation\":{\"status\":\"SUCCEEDED\",\"statusDetails\":{\"detailedStatus\":\"SUCCESSFUL\"},\"fleetConfigurationArnForStatus\":\"%s\",\"deploymentId\":\"%s\",\"unchangedRootComponents\":[]}"
        .formatted(arn, jobId);
  }

  /** A complete status with what a small core runs. */
  private void tellStatus(String trigger, String more) {
    StringBuilder status = new StringBuilder(1024);
    status.append(
        "{\"ggcVersion\":\"2.18.0\",\"platform\":\"linux\",\"architecture\":\"amd64\",\"thing\":\"%s\",\"overallDeviceStatus\":\"HEALTHY\",\"sequenceNumber\":%d,\"timestamp\":%d,\"messageType\":\"COMPLETE\",\"trigger\":\"%s\""
            .formatted(thing, ++sequence, System.currentTimeMillis(), trigger));
    status.append(more).append(",\"components\":[");
    List<String> components =
        List.of(
            "aws.greengrass.Nucleus",
            "aws.greengrass.Cli",
            "aws.greengrass.TokenExchangeService",
            "com.example.Sensor");
    for (String name : components) {
      status.append(
          "%s{\"componentName\":\"%s\",\"version\":\"2.1.0\",\"fleetConfigArns\":[],\"isRoot\":%b,\"status\":\"RUNNING\",\"componentStatusDetails\":null}"
              .formatted(
                  status.charAt(status.length() - 1) == '[' ? "" : ",",
                  name,
                  name.startsWith("com")));
    }
    publish("$aws/things/" + thing + "/greengrassv2/health/json", status.append("]}").toString());
  }

  private boolean advance(Step from, Step to) {
    if (step != from) {
      return false;
    }
    step = to;
    watcher.reached(this, to);
    return true;
  }

  private void fail(String why) {
    if (step != Step.FAILED) {
      problem = why;
      step = Step.FAILED;
      watcher.reached(this, Step.FAILED);
    }
  }

  private int nextId() {
    packetId = packetId % 65_535 + 1;
    return packetId;
  }

  private void publish(String topic, String payload) {
    send(DevicePackets.publish(nextId(), topic, payload.getBytes(UTF_8)));
  }

  private void send(byte[] packet) {
    Wire connection = wire;
    if (connection == null || connection.gone()) {
      return; // closed() told it
    }
    if (connection.out.remaining() < packet.length) {
      fail("the cloud takes nothing from it at " + step);
      return;
    }
    connection.out.put(packet);
  }

  @Override
  public void batchEnd(Wire from) {
    from.flush();
  }

  @Override
  public void closed(Wire from) {
    if (step == Step.CONNECTING && retries < MOST_RETRIES) {
      retries++; // as any core does; the cloud sheds handshakes that take it too long
      step = Step.NEW;
    } else if (step != Step.DONE) {
      fail("the cloud closed its connection at " + step);
    }
  }
}
