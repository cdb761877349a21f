package io.ryegrass.awsapi;

import io.ryegrass.awsapi.ServiceModel.Operation;
import io.ryegrass.awsapi.ServiceModel.ProtocolName;
import io.ryegrass.awsapi.Shape.Location;
import io.ryegrass.awsapi.Shape.Type;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import software.amazon.smithy.aws.traits.protocols.AwsQueryErrorTrait;
import software.amazon.smithy.model.Model;
import software.amazon.smithy.model.knowledge.TopDownIndex;
import software.amazon.smithy.model.shapes.MapShape;
import software.amazon.smithy.model.shapes.MemberShape;
import software.amazon.smithy.model.shapes.OperationShape;
import software.amazon.smithy.model.shapes.ServiceShape;
import software.amazon.smithy.model.shapes.ShapeId;
import software.amazon.smithy.model.traits.ErrorTrait;
import software.amazon.smithy.model.traits.HttpErrorTrait;
import software.amazon.smithy.model.traits.HttpHeaderTrait;
import software.amazon.smithy.model.traits.HttpLabelTrait;
import software.amazon.smithy.model.traits.HttpPayloadTrait;
import software.amazon.smithy.model.traits.HttpPrefixHeadersTrait;
import software.amazon.smithy.model.traits.HttpQueryParamsTrait;
import software.amazon.smithy.model.traits.HttpQueryTrait;
import software.amazon.smithy.model.traits.HttpResponseCodeTrait;
import software.amazon.smithy.model.traits.HttpTrait;
import software.amazon.smithy.model.traits.JsonNameTrait;
import software.amazon.smithy.model.traits.MediaTypeTrait;
import software.amazon.smithy.model.traits.RequiredTrait;
import software.amazon.smithy.model.traits.SparseTrait;
import software.amazon.smithy.model.traits.TimestampFormatTrait;
import software.amazon.smithy.model.traits.XmlFlattenedTrait;
import software.amazon.smithy.model.traits.XmlNameTrait;
import software.amazon.smithy.model.traits.XmlNamespaceTrait;

/** Turns a service of a Smithy model into the form that the engine reads from AWS's models. */
final class SmithyShapes {

  private final Model model;
  private final ProtocolName protocol;
  private final Map<String, Shape> made = new HashMap<>();

  SmithyShapes(Model model, ProtocolName protocol) {
    this.model = model;
    this.protocol = protocol;
  }

  ServiceModel service(ShapeId id) {
    ServiceShape service = model.expectShape(id, ServiceShape.class);
    Map<String, Operation> operations = new LinkedHashMap<>();
    Map<String, Shape> errors = new HashMap<>();
    for (OperationShape operation : TopDownIndex.of(model).getContainedOperations(service)) {
      operations.put(operation.getId().getName(), operation(operation));
      for (ShapeId error : operation.getErrors(service)) {
        Shape shape = shape(error, false);
        errors.put(shape.name, shape);
        if (shape.errorCode != null) {
          errors.put(shape.errorCode, shape);
        }
      }
    }
    return new ServiceModel(
        id.getName(),
        protocol,
        "test",
        id.getName(),
        "1.1",
        service.getTrait(XmlNamespaceTrait.class).map(XmlNamespaceTrait::getUri).orElse(""),
        operations,
        errors);
  }

  private Operation operation(OperationShape operation) {
    Optional<HttpTrait> http = operation.getTrait(HttpTrait.class);
    Map<String, String> literals = new LinkedHashMap<>();
    List<String> segments = new ArrayList<>();
    http.ifPresent(
        trait -> {
          literals.putAll(trait.getUri().getQueryLiterals());
          trait.getUri().getSegments().forEach(s -> segments.add(s.toString()));
        });
    String name = operation.getId().getName();
    return new Operation(
        name,
        http.map(HttpTrait::getMethod).orElse("POST"),
        segments,
        literals,
        http.map(HttpTrait::getCode).orElse(200),
        unlessUnit(operation.getInputShape()),
        unlessUnit(operation.getOutputShape()),
        name + "Result");
  }

  private @Nullable Shape unlessUnit(ShapeId id) {
    return id.toString().equals("smithy.api#Unit") ? null : shape(id, false);
  }

  private Shape shape(ShapeId id, boolean flattened) {
    String key = id + (flattened ? "#flat" : "");
    Shape known = made.get(key);
    if (known != null) {
      return known;
    }
    software.amazon.smithy.model.shapes.Shape from = model.expectShape(id);
    Shape to = new Shape(id.getName(), type(from));
    made.put(key, to);
    to.flattened = flattened;
    to.sparse = from.hasTrait(SparseTrait.class);
    to.timestampFormat =
        from.getTrait(TimestampFormatTrait.class).map(SmithyShapes::format).orElse(null);
    to.exception = from.hasTrait(ErrorTrait.class);
    if (to.exception) {
      to.errorStatus =
          from.getTrait(HttpErrorTrait.class)
              .map(HttpErrorTrait::getCode)
              .orElseGet(() -> from.expectTrait(ErrorTrait.class).getDefaultHttpStatusCode());
      from.getTrait(AwsQueryErrorTrait.class)
          .ifPresent(
              trait -> {
                to.errorCode = trait.getCode();
                to.errorStatus = trait.getHttpResponseCode();
              });
    }
    switch (to.type) {
      case STRUCTURE ->
          from.members()
              .forEach(
                  member -> {
                    to.members.put(member.getMemberName(), member(member));
                    if (member.hasTrait(HttpPayloadTrait.class)) {
                      to.payload = member.getMemberName();
                    }
                    if (member.hasTrait(RequiredTrait.class)) {
                      to.required = new ArrayList<>(to.required);
                      to.required.add(member.getMemberName());
                    }
                  });
      case LIST -> to.element = member(from.members().iterator().next());
      case MAP -> {
        MapShape map = (MapShape) from;
        to.value = member(map.getValue());
        to.keyName =
            protocol == ProtocolName.QUERY
                ? map.getKey()
                    .getTrait(XmlNameTrait.class)
                    .map(XmlNameTrait::getValue)
                    .orElse("key")
                : "key";
      }
      default -> {}
    }
    return to;
  }

  private Shape.Member member(MemberShape member) {
    software.amazon.smithy.model.shapes.Shape target = model.expectShape(member.getTarget());
    Location location = Location.BODY;
    String wire = member.getMemberName();
    if (protocol == ProtocolName.REST_JSON) {
      wire = member.getTrait(JsonNameTrait.class).map(JsonNameTrait::getValue).orElse(wire);
      if (member.hasTrait(HttpLabelTrait.class)) {
        location = Location.URI;
        wire = member.getMemberName();
      } else if (member.hasTrait(HttpQueryTrait.class)) {
        location = Location.QUERY;
        wire = member.expectTrait(HttpQueryTrait.class).getValue();
      } else if (member.hasTrait(HttpQueryParamsTrait.class)) {
        location = Location.QUERY;
      } else if (member.hasTrait(HttpHeaderTrait.class)) {
        location = Location.HEADER;
        wire = member.expectTrait(HttpHeaderTrait.class).getValue();
      } else if (member.hasTrait(HttpPrefixHeadersTrait.class)) {
        location = Location.HEADERS;
        wire = member.expectTrait(HttpPrefixHeadersTrait.class).getValue();
      } else if (member.hasTrait(HttpResponseCodeTrait.class)) {
        location = Location.STATUS;
      }
    } else if (protocol == ProtocolName.QUERY) {
      wire = member.getTrait(XmlNameTrait.class).map(XmlNameTrait::getValue).orElse(wire);
    }
    boolean json =
        location == Location.HEADER
            && target
                .getTrait(MediaTypeTrait.class)
                .filter(t -> t.getValue().equals("application/json"))
                .isPresent();
    return new Shape.Member(
        member.getMemberName(),
        wire,
        shape(member.getTarget(), member.hasTrait(XmlFlattenedTrait.class)),
        location,
        json,
        member.getTrait(TimestampFormatTrait.class).map(SmithyShapes::format).orElse(null));
  }

  private static @Nullable String format(TimestampFormatTrait trait) {
    return switch (trait.getFormat()) {
      case DATE_TIME -> Timestamps.ISO;
      case HTTP_DATE -> Timestamps.RFC;
      default -> Timestamps.UNIX;
    };
  }

  private static Type type(software.amazon.smithy.model.shapes.Shape shape) {
    return switch (shape.getType()) {
      case STRUCTURE, UNION -> Type.STRUCTURE;
      case LIST, SET -> Type.LIST;
      case MAP -> Type.MAP;
      case BYTE, SHORT, INTEGER, INT_ENUM -> Type.INTEGER;
      case LONG, BIG_INTEGER -> Type.LONG;
      case FLOAT -> Type.FLOAT;
      case DOUBLE, BIG_DECIMAL -> Type.DOUBLE;
      case BOOLEAN -> Type.BOOLEAN;
      case BLOB -> Type.BLOB;
      case TIMESTAMP -> Type.TIMESTAMP;
      default -> Type.STRING; // documents, too: their cases are listed as not applying
    };
  }
}
