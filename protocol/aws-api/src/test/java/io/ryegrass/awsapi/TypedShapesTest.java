package io.ryegrass.awsapi;

import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.awsapi.ServiceModel.Operation;
import io.ryegrass.awsapi.Shape.Member;
import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import software.amazon.awssdk.core.SdkPojo;
import software.amazon.awssdk.utils.builder.SdkBuilder;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Every operation that a model and the SDK both know goes through the SDK's classes unharmed. */
class TypedShapesTest {

  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
  private static final int DEPTH = 5;

  @ParameterizedTest
  @CsvSource({
    "greengrass, greengrass",
    "greengrassv2, greengrassv2",
    "iam, iam",
    "iot, iot",
    "iotdata, iotdataplane",
    "lambda, lambda",
    "sts, sts"
  })
  void requestsAndResponsesOfEveryOperationSurviveTheWayThroughTheSdk(
      String service, String sdkPackage) {
    ServiceModel model = ModelReader.read(service);
    Map<String, String> differences = new TreeMap<>();
    List<String> unknown = new ArrayList<>();
    for (Operation operation : model.operations().values()) {
      compare(sdkPackage, operation.name() + "Request", operation.input(), differences, unknown);
      compare(sdkPackage, operation.name() + "Response", operation.output(), differences, unknown);
    }
    assertThat(differences).isEmpty();
    assertThat(unknown).as("classes that the SDK names otherwise").hasSizeLessThan(12);
  }

  private static void compare(
      String sdkPackage,
      String className,
      Shape shape,
      Map<String, String> differences,
      List<String> unknown) {
    if (shape == null || shape.members.values().stream().anyMatch(TypedShapesTest::isStream)) {
      return;
    }
    SdkBuilder<?, ?> builder = builder(sdkPackage, className);
    if (builder == null) {
      unknown.add(className);
      return;
    }
    ObjectNode tree = (ObjectNode) sample(shape, 0);
    ObjectNode back = TypedShapes.toTree((SdkPojo) TypedShapes.toPojo(tree, builder));
    if (!back.equals(tree)) {
      differences.put(className, tree + "\n -> " + back);
    }
  }

  /** Event streams and streamed payloads are not part of the SDK's plain classes. */
  private static boolean isStream(Member member) {
    return member.shape().name.equals("InvokeWithResponseStreamResponseEvent");
  }

  private static SdkBuilder<?, ?> builder(String sdkPackage, String className) {
    for (String candidate : List.of(className, camel(className))) {
      try {
        Class<?> type =
            Class.forName("software.amazon.awssdk.services." + sdkPackage + ".model." + candidate);
        return (SdkBuilder<?, ?>) type.getMethod("builder").invoke(null);
      } catch (ClassNotFoundException | NoClassDefFoundError e) {
        // the next spelling
      } catch (NoSuchMethodException | IllegalAccessException | InvocationTargetException e) {
        throw new AssertionError(candidate, e);
      }
    }
    return null;
  }

  /** CreateOTAUpdateRequest is CreateOtaUpdateRequest in the SDK. */
  private static String camel(String name) {
    StringBuilder camel = new StringBuilder();
    for (int i = 0; i < name.length(); i++) {
      boolean inside =
          i > 0
              && Character.isUpperCase(name.charAt(i - 1))
              && (i + 1 == name.length() || !Character.isLowerCase(name.charAt(i + 1)));
      camel.append(
          inside ? String.valueOf(name.charAt(i)).toLowerCase(Locale.ROOT) : name.charAt(i));
    }
    return camel.toString();
  }

  private static JsonNode sample(Shape shape, int depth) {
    return switch (shape.type) {
      case STRUCTURE -> {
        ObjectNode object = NODES.objectNode();
        if (depth < DEPTH) {
          shape.members.forEach((name, m) -> object.set(name, sample(m.shape(), depth + 1)));
        }
        yield object;
      }
      case LIST -> {
        ArrayNode array = NODES.arrayNode();
        array.add(sample(shape.elementMember().shape(), depth + 1));
        yield array;
      }
      case MAP -> {
        ObjectNode object = NODES.objectNode();
        object.set("key", sample(shape.valueMember().shape(), depth + 1));
        yield object;
      }
      case STRING ->
          NODES.stringNode(shape.enumValues.isEmpty() ? "text" : shape.enumValues.getFirst());
      case INTEGER -> NODES.numberNode(7);
      case LONG -> NODES.numberNode(8_000_000_000L);
      case FLOAT -> NODES.numberNode(0.5f);
      case DOUBLE -> NODES.numberNode(0.25);
      case BOOLEAN -> NODES.booleanNode(true);
      case BLOB -> NODES.stringNode("AAEC");
      case TIMESTAMP -> NODES.numberNode(1_763_700_000L);
    };
  }
}
