package io.ryegrass.awsapi;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One shape of a service model: a structure, list, map or scalar with its constraints. Shapes refer
 * to each other in circles, so they are made empty and linked afterwards by {@link ModelReader};
 * after that they do not change.
 */
final class Shape {

  private static final Logger LOG = LoggerFactory.getLogger(Shape.class);

  enum Type {
    STRUCTURE,
    LIST,
    MAP,
    STRING,
    INTEGER,
    LONG,
    FLOAT,
    DOUBLE,
    BOOLEAN,
    BLOB,
    TIMESTAMP
  }

  /** Where a member of an input or output structure travels. */
  enum Location {
    BODY,
    URI,
    QUERY,
    HEADER,
    HEADERS,
    STATUS
  }

  /**
   * A member of a structure, or the element of a list, or the value of a map.
   *
   * @param name name in the model
   * @param wireName name on the wire
   */
  record Member(
      String name,
      String wireName,
      Shape shape,
      Location location,
      boolean jsonValue,
      @Nullable String timestampFormat) {

    /** Format of a timestamp: the member's own, the shape's, or the protocol's default. */
    String timestampFormatOr(String protocolDefault) {
      if (timestampFormat != null) {
        return timestampFormat;
      }
      return shape.timestampFormat != null ? shape.timestampFormat : protocolDefault;
    }
  }

  final String name;
  final Type type;
  final Map<String, Member> members = new LinkedHashMap<>();
  List<String> required = List.of();
  List<String> enumValues = List.of();
  @Nullable Member element;
  @Nullable Member value;
  @Nullable String payload;
  @Nullable Double min;
  @Nullable Double max;
  @Nullable String pattern;
  @Nullable String timestampFormat;
  boolean sensitive;
  boolean flattened;

  /** Whether a list or map may hold nulls. */
  boolean sparse;

  /** Name of a map's keys in XML. */
  String keyName = "key";

  boolean exception;
  @Nullable String errorCode;
  int errorStatus;

  private volatile @Nullable Pattern compiled;

  Shape(String name, Type type) {
    this.name = name;
    this.type = type;
  }

  /** The element of a list. */
  Member elementMember() {
    if (element == null) {
      throw new IllegalStateException("the model's shape " + name + " is no list");
    }
    return element;
  }

  /** The value of a map. */
  Member valueMember() {
    if (value == null) {
      throw new IllegalStateException("the model's shape " + name + " is no map");
    }
    return value;
  }

  /** Whether the whole of a text matches the shape's pattern; true when there is none. */
  boolean patternAccepts(String text) {
    if (pattern == null) {
      return true;
    }
    Pattern ready = compiled;
    if (ready == null) {
      try {
        ready = Pattern.compile(pattern);
      } catch (PatternSyntaxException e) {
        LOG.debug("pattern of shape {} is not one Java understands and is not checked", name, e);
        ready = Pattern.compile("[\\s\\S]*");
      }
      compiled = ready;
    }
    return ready.matcher(text).matches();
  }

  /** The member that carries an error's message, whatever its case. */
  @Nullable Member messageMember() {
    for (Member member : members.values()) {
      if (member.name().equalsIgnoreCase("message")) {
        return member;
      }
    }
    return null;
  }
}
