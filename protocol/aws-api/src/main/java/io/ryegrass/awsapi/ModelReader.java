package io.ryegrass.awsapi;

import io.ryegrass.awsapi.ServiceModel.Operation;
import io.ryegrass.awsapi.ServiceModel.ProtocolName;
import io.ryegrass.awsapi.Shape.Location;
import io.ryegrass.awsapi.Shape.Member;
import io.ryegrass.awsapi.Shape.Type;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads a minified service model (the "C2J" form that botocore and the AWS SDKs share) from the
 * class path into {@link ServiceModel}. The JSON tree is dropped afterwards: the linked shapes take
 * about a tenth of its memory.
 */
final class ModelReader {

  private static final JsonMapper JSON = JsonMapper.shared();

  private final Map<String, Shape> shapes = new HashMap<>();
  private final JsonNode model;
  private final String name;

  private ModelReader(String name, JsonNode model) {
    this.name = name;
    this.model = model;
  }

  static ServiceModel read(String name) {
    String resource = "models/" + name + ".json";
    try (InputStream in = ModelReader.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalArgumentException(
            "no service model named " + name + " on the class path; known are " + Services.names());
      }
      return new ModelReader(name, JSON.readTree(in)).convert();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the service model " + name, e);
    }
  }

  private ServiceModel convert() {
    JsonNode metadata = model.path("metadata");
    model
        .path("shapes")
        .properties()
        .forEach(
            e ->
                shapes.put(
                    e.getKey(),
                    new Shape(e.getKey(), type(e.getValue().path("type").asString("structure")))));
    model.path("shapes").properties().forEach(e -> link(shape(e.getKey()), e.getValue()));

    Map<String, Operation> operations = new LinkedHashMap<>();
    model
        .path("operations")
        .properties()
        .forEach(e -> operations.put(e.getKey(), operation(e.getKey(), e.getValue())));

    Map<String, Shape> errors = new HashMap<>();
    for (Shape shape : shapes.values()) {
      if (shape.exception) {
        errors.put(shape.name, shape);
        if (shape.errorCode != null) {
          errors.put(shape.errorCode, shape);
        }
      }
    }
    return new ServiceModel(
        name,
        protocol(metadata.path("protocol").asString("")),
        metadata.path("signingName").asString(metadata.path("endpointPrefix").asString(name)),
        text(metadata, "targetPrefix"),
        metadata.path("jsonVersion").asString("1.1"),
        metadata.path("xmlNamespace").asString(""),
        Map.copyOf(operations),
        Map.copyOf(errors));
  }

  private void link(Shape shape, JsonNode node) {
    node.path("members")
        .properties()
        .forEach(e -> shape.members.put(e.getKey(), member(e.getKey(), e.getValue())));
    if (shape.type == Type.LIST) {
      shape.element = member("member", node.path("member"));
    }
    if (shape.type == Type.MAP) {
      shape.value = member("value", node.path("value"));
      shape.keyName = node.path("key").path("locationName").asString("key");
    }
    shape.required = texts(node.path("required"));
    shape.enumValues =
        Services.hasOpenEnum(name, shape.name) ? List.of() : texts(node.path("enum"));
    shape.payload = text(node, "payload");
    shape.pattern = text(node, "pattern");
    shape.timestampFormat = text(node, "timestampFormat");
    shape.min = node.has("min") ? node.path("min").asDouble() : null;
    shape.max = node.has("max") ? node.path("max").asDouble() : null;
    shape.sensitive = node.path("sensitive").asBoolean(false);
    shape.flattened = node.path("flattened").asBoolean(false);
    shape.exception = node.path("exception").asBoolean(false);
    JsonNode error = node.path("error");
    shape.errorCode = text(error, "code");
    boolean fault = node.path("fault").asBoolean(false) || error.path("fault").asBoolean(false);
    shape.errorStatus = error.path("httpStatusCode").asInt(fault ? 500 : 400);
  }

  private Member member(String memberName, JsonNode node) {
    Location location =
        switch (node.path("location").asString("")) {
          case "uri" -> Location.URI;
          case "querystring" -> Location.QUERY;
          case "header" -> Location.HEADER;
          case "headers" -> Location.HEADERS;
          case "statusCode" -> Location.STATUS;
          default -> Location.BODY;
        };
    return new Member(
        memberName,
        node.path("locationName").asString(memberName),
        shape(node.path("shape").asString("")),
        location,
        node.path("jsonvalue").asBoolean(false),
        text(node, "timestampFormat"));
  }

  /** What Greengrass V1 creates it answers with 201, though its model says 200. */
  private boolean created(String operationName) {
    return name.equals("greengrass")
        && operationName.matches("Create(Group|GroupVersion|[A-Za-z]+Definition(Version)?)");
  }

  private Operation operation(String operationName, JsonNode node) {
    JsonNode http = node.path("http");
    String uri = http.path("requestUri").asString("/");
    int question = uri.indexOf('?');
    String path = question < 0 ? uri : uri.substring(0, question);
    Map<String, String> literals = new LinkedHashMap<>();
    if (question >= 0) {
      for (String pair : uri.substring(question + 1).split("&")) {
        int equals = pair.indexOf('=');
        literals.put(
            equals < 0 ? pair : pair.substring(0, equals),
            equals < 0 ? "" : pair.substring(equals + 1));
      }
    }
    return new Operation(
        operationName,
        http.path("method").asString("POST"),
        Router.segments(path),
        Map.copyOf(literals),
        created(operationName) ? 201 : http.path("responseCode").asInt(200),
        node.has("input") ? shape(node.path("input").path("shape").asString("")) : null,
        node.has("output") ? shape(node.path("output").path("shape").asString("")) : null,
        text(node.path("output"), "resultWrapper"));
  }

  private Shape shape(String shapeName) {
    Shape shape = shapes.get(shapeName);
    if (shape == null) {
      throw new IllegalStateException(
          "the model of " + name + " refers to the unknown shape '" + shapeName + "'");
    }
    return shape;
  }

  private static Type type(String text) {
    return text.equals("character") ? Type.STRING : Type.valueOf(text.toUpperCase(Locale.ROOT));
  }

  private static ProtocolName protocol(String text) {
    return switch (text) {
      case "rest-json" -> ProtocolName.REST_JSON;
      case "json" -> ProtocolName.JSON;
      case "query" -> ProtocolName.QUERY;
      default -> throw new IllegalStateException("protocol not served: " + text);
    };
  }

  private static @Nullable String text(JsonNode node, String field) {
    return node.path(field).isString() ? node.path(field).asString() : null;
  }

  private static List<String> texts(JsonNode array) {
    List<String> texts = new ArrayList<>();
    array.forEach(e -> texts.add(e.asString()));
    return List.copyOf(texts);
  }
}
