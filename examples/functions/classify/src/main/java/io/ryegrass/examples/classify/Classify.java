package io.ryegrass.examples.classify;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import com.amazonaws.greengrass.common.EnvVars;
import com.amazonaws.greengrass.ipcsdk.DefaultIPCClient;
import com.amazonaws.services.lambda.runtime.ClientContext;
import com.amazonaws.services.lambda.runtime.Context;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Says which class of {@code labels.txt} an image belongs to, and how sure the network is.
 *
 * <p>The model is loaded when the function starts, from its machine-learning resource: at the
 * destination path in a container, below {@code AWS_GG_RESOURCE_PREFIX} without one; in V1 the same
 * line serves both, because the prefix is {@code /} in a container. A caller gets the answer as the
 * result; when a message brought the image, the answer goes to the message's topic with {@code
 * /class} behind it.
 */
public final class Classify {
  private static final Path MODEL =
      Path.of(
          variable("AWS_GG_RESOURCE_PREFIX", "/")
              + variable("MODEL", "/greengrass-machine-learning/direction")
              + "/model");

  private final OrtEnvironment environment;
  private final OrtSession session;
  private final List<String> labels;
  private final DefaultIPCClient core = new DefaultIPCClient();

  /** A question in JSON, {@code {"image": "<base64 of a PNG or JPEG file>"}}. */
  public record Question(@Nullable String image) {}

  /** Called once for each worker, before its first message. */
  public Classify() throws IOException, OrtException {
    // The package is unpacked, so its libraries are loaded where they lie. Without this, ONNX
    // Runtime copies them to /tmp at each start.
    System.setProperty("onnxruntime.native.path", libraries().toString());
    environment = OrtEnvironment.getEnvironment();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1); // a small network: more threads cost more than they help
      options.setInterOpNumThreads(1);
      options.setCPUArenaAllocator(false); // gives memory back after each image
      session = environment.createSession(MODEL.resolve("direction.onnx").toString(), options);
    }
    labels = Files.readAllLines(MODEL.resolve("labels.txt"));
  }

  private static Path libraries() {
    String processor =
        switch (System.getProperty("os.arch")) {
          case "amd64", "x86_64" -> "linux-x64";
          default -> "linux-aarch64";
        };
    return Path.of(variable("LAMBDA_TASK_ROOT", "."), "ai/onnxruntime/native", processor);
  }

  private static String variable(String name, String absent) {
    String value = System.getenv(name);
    return value == null ? absent : value;
  }

  /** Called for each message, and for each call by another function. */
  public Map<String, Object> handleRequest(Question question, Context context)
      throws IOException, OrtException {
    if (question.image() == null) {
      throw new IllegalArgumentException(
          "There is no image in the question; send {\"image\": \"<base64>\"}.");
    }
    return answer(Base64.getDecoder().decode(question.image()), context);
  }

  private Map<String, Object> answer(byte[] file, Context context)
      throws IOException, OrtException {
    float[] scores = scores(file);
    int best = 0;
    for (int i = 1; i < scores.length; i++) {
      best = scores[i] > scores[best] ? i : best;
    }
    Map<String, Object> answer = new LinkedHashMap<>();
    answer.put("class", best < labels.size() ? labels.get(best) : Integer.toString(best));
    answer.put("confidence", Math.round(scores[best] * 10_000) / 10_000.0);
    publish(context.getClientContext(), json(answer));
    return answer;
  }

  private float[] scores(byte[] file) throws IOException, OrtException {
    long[] shape = {1, 3, Pixels.HEIGHT, Pixels.WIDTH};
    String input = session.getInputNames().iterator().next();
    try (OnnxTensor image =
            OnnxTensor.createTensor(environment, Pixels.of(Pixels.decode(file)), shape);
        OrtSession.Result result = session.run(Map.of(input, image))) {
      return ((float[][]) result.get(0).getValue())[0];
    }
  }

  /** To {@code <topic of the message>/class}; nothing when no message brought the image. */
  private void publish(@Nullable ClientContext caller, String answer) {
    String subject = caller == null ? null : caller.getCustom().get("subject");
    String router = EnvVars.ROUTER_FUNCTION_ARN;
    if (subject == null || router == null) {
      return;
    }
    String to = json(Map.of("custom", Map.of("subject", subject + "/class")));
    core.postWork(
        router,
        "Event",
        answer.getBytes(StandardCharsets.UTF_8),
        Base64.getEncoder().encodeToString(to.getBytes(StandardCharsets.UTF_8)));
  }

  /** Text, numbers and maps; nothing else is said here. */
  private static String json(Object value) {
    if (value instanceof Map<?, ?> map) {
      StringBuilder text = new StringBuilder();
      map.forEach(
          (k, v) ->
              text.append(text.isEmpty() ? "{" : ",").append(json(k)).append(':').append(json(v)));
      return text.append('}').toString();
    }
    return value instanceof Number
        ? value.toString()
        : "\"" + value.toString().replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
  }
}
