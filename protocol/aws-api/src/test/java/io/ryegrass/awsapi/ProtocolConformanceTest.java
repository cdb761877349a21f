package io.ryegrass.awsapi;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.awsapi.Protocol.Failure;
import io.ryegrass.awsapi.ServiceModel.Operation;
import io.ryegrass.awsapi.ServiceModel.ProtocolName;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import software.amazon.smithy.model.Model;
import software.amazon.smithy.model.knowledge.TopDownIndex;
import software.amazon.smithy.model.loader.ModelAssembler;
import software.amazon.smithy.model.loader.ModelDiscovery;
import software.amazon.smithy.model.node.Node;
import software.amazon.smithy.model.shapes.OperationShape;
import software.amazon.smithy.model.shapes.ShapeId;
import software.amazon.smithy.model.validation.ValidatorFactory;
import software.amazon.smithy.protocoltests.traits.AppliesTo;
import software.amazon.smithy.protocoltests.traits.HttpRequestTestCase;
import software.amazon.smithy.protocoltests.traits.HttpRequestTestsTrait;
import software.amazon.smithy.protocoltests.traits.HttpResponseTestCase;
import software.amazon.smithy.protocoltests.traits.HttpResponseTestsTrait;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Smithy's own protocol tests ({@code smithy-aws-protocol-tests}): what clients send is read as the
 * case says, what is answered is written so. Cases that do not apply stand in {@code
 * conformance-not-applicable.properties}, each with its reason; one that is listed and passes is a
 * mistake in the list.
 */
class ProtocolConformanceTest {

  private static final JsonMapper JSON = JsonMapper.shared();
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
  private static final Pattern BETWEEN_TAGS = Pattern.compile(">\\s+<");

  private static Model model;
  private static final Properties NOT_APPLICABLE = new Properties();

  @BeforeAll
  static void assemble() throws IOException {
    ModelAssembler assembler =
        Model.assembler()
            .putProperty(ModelAssembler.ALLOW_UNKNOWN_TRAITS, true)
            .validatorFactory(new NoValidators())
            .disableValidation();
    ModelDiscovery.findModels(ProtocolConformanceTest.class.getClassLoader())
        .forEach(assembler::addImport);
    model = assembler.assemble().getResult().orElseThrow();
    try (InputStream in =
            ProtocolConformanceTest.class.getResourceAsStream(
                "conformance-not-applicable.properties");
        Reader reader = new InputStreamReader(in, UTF_8)) {
      NOT_APPLICABLE.load(reader);
    }
  }

  /** The tests' own models are not ours to validate. */
  private static final class NoValidators implements ValidatorFactory {
    @Override
    public List<software.amazon.smithy.model.validation.Validator> loadBuiltinValidators() {
      return List.of();
    }

    @Override
    public Optional<software.amazon.smithy.model.validation.Validator> createValidator(
        String name, software.amazon.smithy.model.node.ObjectNode configuration) {
      return Optional.empty();
    }
  }

  /** How many cases ran and how many of them held. */
  private static final class Tally {
    int ran;
    final Map<String, String> failed = new TreeMap<>();
    final List<String> wronglyListed = new ArrayList<>();

    final String kind;

    Tally(String kind) {
      this.kind = kind;
    }

    /** Cases of requests and answers may have the same name. */
    void run(String name, Runnable test) {
      String id = kind + "." + name;
      String problem = null;
      try {
        test.run();
      } catch (AssertionError | RuntimeException e) {
        problem = String.valueOf(e.getMessage()).strip().replaceAll("\\s+", " ");
      }
      if (NOT_APPLICABLE.containsKey(id)) {
        if (problem == null) {
          wronglyListed.add(id);
        }
        return;
      }
      ran++;
      if (problem != null) {
        failed.put(id, problem.length() > 300 ? problem.substring(0, 300) : problem);
      }
    }

    void check(String what) {
      System.out.println("conformance " + what + ": " + (ran - failed.size()) + " of " + ran);
      failed.forEach((id, why) -> System.out.println("  " + id + ": " + why));
      assertThat(failed).as(what).isEmpty();
      assertThat(wronglyListed).as("listed as not applying, but passing").isEmpty();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "aws.protocoltests.restjson#RestJson, aws.protocols#restJson1, REST_JSON",
    "aws.protocoltests.json#JsonProtocol, aws.protocols#awsJson1_1, JSON",
    "aws.protocoltests.query#AwsQuery, aws.protocols#awsQuery, QUERY"
  })
  void requestsAreReadAsTheCasesSay(String service, String protocolId, ProtocolName name) {
    ServiceModel ours = new SmithyShapes(model, name).service(ShapeId.from(service));
    Protocol protocol = protocol(name);
    Tally tally = new Tally("request");
    for (OperationShape operation : operations(service)) {
      for (HttpRequestTestCase test :
          operation
              .getTrait(HttpRequestTestsTrait.class)
              .map(HttpRequestTestsTrait::getTestCases)
              .orElse(List.of())) {
        if (test.getProtocol().toString().equals(protocolId)
            && test.getAppliesTo().orElse(AppliesTo.SERVER) == AppliesTo.SERVER) {
          tally.run(test.getId(), () -> checkRequest(ours, protocol, name, operation, test));
        }
      }
    }
    tally.check(name + " requests");
  }

  private static void checkRequest(
      ServiceModel ours,
      Protocol protocol,
      ProtocolName name,
      OperationShape shape,
      HttpRequestTestCase test) {
    Map<String, List<String>> headers = new HashMap<>();
    test.getHeaders().forEach((k, v) -> headers.put(k.toLowerCase(Locale.ROOT), List.of(v)));
    ApiRequest request =
        new ApiRequest(
            test.getMethod(),
            test.getUri(),
            String.join("&", test.getQueryParams()),
            headers,
            bytes(test.getBody().orElse(""), test.getBodyMediaType().orElse("")));
    Operation operation = ours.operations().get(shape.getId().getName());
    Map<String, String> labels = Map.of();
    Map<String, List<String>> query = Router.query(request.rawQuery());
    if (name == ProtocolName.REST_JSON) {
      Router.Match match =
          new Router(ours)
              .find(request.method(), Router.segments(request.rawPath()), query)
              .orElseThrow(() -> new AssertionError("no route"));
      assertThat(match.operation().name()).isEqualTo(operation.name());
      labels = match.labels();
    } else if (name == ProtocolName.QUERY) {
      query = QueryProtocol.parameters(request);
    }
    JsonNode read = protocol.read(operation, request, labels, query);
    assertThat(normalised(read))
        .isEqualTo(normalised(tree(operation.input(), node(test.getParams()))));
  }

  @ParameterizedTest
  @CsvSource({
    "aws.protocoltests.restjson#RestJson, aws.protocols#restJson1, REST_JSON",
    "aws.protocoltests.json#JsonProtocol, aws.protocols#awsJson1_1, JSON",
    "aws.protocoltests.query#AwsQuery, aws.protocols#awsQuery, QUERY"
  })
  void answersAreWrittenAsTheCasesSay(String service, String protocolId, ProtocolName name) {
    ServiceModel ours = new SmithyShapes(model, name).service(ShapeId.from(service));
    Protocol protocol = protocol(name);
    Tally tally = new Tally("answer");
    for (OperationShape operation : operations(service)) {
      for (HttpResponseTestCase test : responses(operation.getId(), protocolId)) {
        tally.run(
            test.getId(),
            () -> {
              Operation served = ours.operations().get(operation.getId().getName());
              ObjectNode output = (ObjectNode) tree(served.output(), node(test.getParams()));
              checkAnswer(protocol.write(ours, served, output, "foo-id"), test, name);
            });
      }
      for (ShapeId error : operation.getErrors()) {
        for (HttpResponseTestCase test : responses(error, protocolId)) {
          tally.run(
              test.getId(),
              () -> {
                Shape shape = ours.error(error.getName());
                ObjectNode members = (ObjectNode) tree(shape, node(test.getParams()));
                Shape.Member message = shape.messageMember();
                String text = message == null ? "" : members.path(message.name()).asString("");
                checkAnswer(
                    protocol.error(
                        ours,
                        new Failure(error.getName(), shape.errorStatus, text, members),
                        "foo-id"),
                    test,
                    name);
              });
        }
      }
    }
    tally.check(name + " answers");
  }

  private static List<HttpResponseTestCase> responses(ShapeId id, String protocolId) {
    return model
        .expectShape(id)
        .getTrait(HttpResponseTestsTrait.class)
        .map(HttpResponseTestsTrait::getTestCases)
        .orElse(List.of())
        .stream()
        .filter(t -> t.getProtocol().toString().equals(protocolId))
        .filter(t -> t.getAppliesTo().orElse(AppliesTo.SERVER) == AppliesTo.SERVER)
        .toList();
  }

  private static void checkAnswer(
      ApiResponse answer, HttpResponseTestCase test, ProtocolName name) {
    assertThat(answer.status()).as("status").isEqualTo(test.getCode());
    Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    headers.putAll(answer.headers());
    test.getHeaders()
        .forEach((key, value) -> assertThat(headers.get(key)).as(key).isEqualTo(value));
    test.getForbidHeaders().forEach(h -> assertThat(headers).as(h).doesNotContainKey(h));
    String expected = test.getBody().orElse(null);
    if (expected == null) {
      return;
    }
    byte[] wanted = bytes(expected, test.getBodyMediaType().orElse(""));
    if (name == ProtocolName.QUERY) {
      assertThat(xml(new String(answer.body(), UTF_8))).isEqualTo(xml(expected));
    } else if (test.getBodyMediaType().orElse("").equals("application/json")) {
      assertThat(answer.body().length == 0 ? NODES.objectNode() : JSON.readTree(answer.body()))
          .isEqualTo(expected.isEmpty() ? NODES.objectNode() : JSON.readTree(expected));
    } else {
      assertThat(new String(answer.body(), UTF_8)).isEqualTo(new String(wanted, UTF_8));
    }
  }

  /** Without white space between tags; the request's id and our type of error stand elsewhere. */
  private static String xml(String text) {
    return BETWEEN_TAGS
        .matcher(text.strip())
        .replaceAll("><")
        .replaceAll("<ResponseMetadata>.*</ResponseMetadata>", "")
        .replaceAll("<(Empty[A-Za-z]*|[A-Za-z]+)/>", "<$1></$1>")
        .replaceAll("\"", "'")
        // AWS's services name their namespace in errors, too; the cases do not
        .replaceAll("<ErrorResponse xmlns='[^']*'>", "<ErrorResponse>");
  }

  private static byte[] bytes(String body, String mediaType) {
    return mediaType.equals("application/cbor")
        ? Base64.getDecoder().decode(body)
        : body.getBytes(UTF_8);
  }

  private static Protocol protocol(ProtocolName name) {
    return switch (name) {
      case REST_JSON -> new RestJsonProtocol();
      case JSON -> new AwsJsonProtocol();
      case QUERY -> new QueryProtocol();
    };
  }

  private static Iterable<OperationShape> operations(String service) {
    return TopDownIndex.of(model).getContainedOperations(ShapeId.from(service));
  }

  private static JsonNode node(Node node) {
    return JSON.readTree(Node.printJson(node));
  }

  /** A case's parameters as a tree of ours: blobs in base64. */
  private static JsonNode tree(Shape shape, JsonNode given) {
    if (shape == null || given.isNull()) {
      return shape == null ? NODES.objectNode() : given;
    }
    return switch (shape.type) {
      case STRUCTURE -> {
        ObjectNode object = NODES.objectNode();
        given
            .properties()
            .forEach(
                e ->
                    object.set(
                        e.getKey(), tree(shape.members.get(e.getKey()).shape(), e.getValue())));
        yield object;
      }
      case LIST -> {
        ArrayNode array = NODES.arrayNode();
        given.forEach(e -> array.add(tree(shape.elementMember().shape(), e)));
        yield array;
      }
      case MAP -> {
        ObjectNode object = NODES.objectNode();
        given
            .properties()
            .forEach(e -> object.set(e.getKey(), tree(shape.valueMember().shape(), e.getValue())));
        yield object;
      }
      case BLOB ->
          NODES.stringNode(Base64.getEncoder().encodeToString(given.asString().getBytes(UTF_8)));
      default -> given;
    };
  }

  /** Numbers by their value, members by their names. */
  private static JsonNode normalised(JsonNode node) {
    if (node.isNumber()) {
      return NODES.stringNode(node.decimalValue().stripTrailingZeros().toPlainString());
    }
    if (node.isObject()) {
      ObjectNode sorted = NODES.objectNode();
      new TreeMap<>(Map.ofEntries(node.properties().toArray(Map.Entry[]::new)))
          .forEach((k, v) -> sorted.set((String) k, normalised((JsonNode) v)));
      return sorted;
    }
    if (node.isArray()) {
      ArrayNode array = NODES.arrayNode();
      node.forEach(e -> array.add(normalised(e)));
      return array;
    }
    return node;
  }
}
