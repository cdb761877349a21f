package io.ryegrass.awsapi;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.core.SdkField;
import software.amazon.awssdk.core.SdkPojo;
import software.amazon.awssdk.core.protocol.MarshallingType;
import software.amazon.awssdk.core.traits.ListTrait;
import software.amazon.awssdk.core.traits.MapTrait;
import software.amazon.awssdk.core.util.SdkAutoConstructList;
import software.amazon.awssdk.core.util.SdkAutoConstructMap;
import software.amazon.awssdk.utils.builder.Buildable;
import software.amazon.awssdk.utils.builder.SdkBuilder;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Between trees and the model classes of AWS SDK for Java v2, by the field descriptions that the
 * classes carry. {@code SdkPojo} and {@code SdkField} are marked "protected API" by AWS: they are
 * used in this class only, and the SDK's version is pinned.
 */
final class TypedShapes {

  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private TypedShapes() {}

  static <T> T toPojo(ObjectNode tree, SdkBuilder<?, T> builder) {
    fill(tree, (SdkPojo) builder);
    return builder.build();
  }

  private static void fill(JsonNode tree, SdkPojo builder) {
    for (SdkField<?> field : builder.sdkFields()) {
      JsonNode value = tree.get(field.memberName());
      if (value == null) {
        value = tree.get(field.locationName());
      }
      if (value != null && !value.isNull()) {
        field.set(builder, javaValue(field, value));
      }
    }
  }

  private static Object javaValue(SdkField<?> field, JsonNode value) {
    MarshallingType<?> type = field.marshallingType();
    if (type == MarshallingType.SDK_POJO) {
      SdkPojo builder = field.constructor().get();
      fill(value, builder);
      return ((Buildable) builder).build();
    } else if (type == MarshallingType.LIST) {
      SdkField<?> element = field.getTrait(ListTrait.class).memberFieldInfo();
      List<Object> list = new ArrayList<>(value.size());
      value.forEach(e -> list.add(javaValue(element, e)));
      return list;
    } else if (type == MarshallingType.MAP) {
      SdkField<?> element = field.getTrait(MapTrait.class).valueFieldInfo();
      Map<String, Object> map = new LinkedHashMap<>();
      value.properties().forEach(e -> map.put(e.getKey(), javaValue(element, e.getValue())));
      return map;
    } else if (type == MarshallingType.STRING) {
      return value.isValueNode() ? value.asString() : value.toString();
    } else if (type == MarshallingType.BOOLEAN) {
      return value.booleanValue();
    } else if (type == MarshallingType.INTEGER) {
      return value.decimalValue().intValue();
    } else if (type == MarshallingType.LONG) {
      return value.decimalValue().longValue();
    } else if (type == MarshallingType.SHORT) {
      return value.decimalValue().shortValue();
    } else if (type == MarshallingType.FLOAT) {
      return (float) value.doubleValue();
    } else if (type == MarshallingType.DOUBLE) {
      return value.doubleValue();
    } else if (type == MarshallingType.BIG_DECIMAL) {
      return value.decimalValue();
    } else if (type == MarshallingType.INSTANT) {
      return Timestamps.instant(value);
    } else if (type == MarshallingType.SDK_BYTES) {
      return SdkBytes.fromByteArrayUnsafe(Base64.getDecoder().decode(value.asString()));
    }
    throw new IllegalStateException(
        "SDK member " + field.memberName() + " has the unsupported type " + type);
  }

  /** The members that are set. */
  static ObjectNode toTree(SdkPojo pojo) {
    ObjectNode tree = NODES.objectNode();
    for (SdkField<?> field : pojo.sdkFields()) {
      Object value = field.getValueOrDefault(pojo);
      JsonNode node = node(value);
      if (node != null) {
        tree.set(field.memberName(), node);
      }
    }
    return tree;
  }

  private static @Nullable JsonNode node(@Nullable Object value) {
    return switch (value) {
      case null -> null;
      case SdkAutoConstructList<?> absent -> null;
      case SdkAutoConstructMap<?, ?> absent -> null;
      case SdkPojo pojo -> toTree(pojo);
      case String text -> NODES.stringNode(text);
      case Boolean truth -> NODES.booleanNode(truth);
      case Integer number -> NODES.numberNode(number);
      case Long number -> NODES.numberNode(number);
      case Short number -> NODES.numberNode(number);
      case Float number -> NODES.numberNode(number);
      case Double number -> NODES.numberNode(number);
      case BigDecimal number -> NODES.numberNode(number);
      case java.time.Instant instant -> Timestamps.of(instant);
      case SdkBytes bytes ->
          NODES.stringNode(Base64.getEncoder().encodeToString(bytes.asByteArrayUnsafe()));
      case List<?> list -> {
        ArrayNode array = NODES.arrayNode();
        for (Object element : list) {
          JsonNode node = node(element);
          if (node != null) {
            array.add(node);
          }
        }
        yield array;
      }
      case Map<?, ?> map -> {
        ObjectNode object = NODES.objectNode();
        map.forEach(
            (key, element) -> {
              JsonNode node = node(element);
              if (node != null) {
                object.set(String.valueOf(key), node);
              }
            });
        yield object;
      }
      default ->
          throw new IllegalStateException("SDK value of unsupported type " + value.getClass());
    };
  }
}
