package io.ryegrass.awsapi;

import io.ryegrass.awsapi.Protocol.Failure;
import io.ryegrass.awsapi.ServiceModel.Operation;
import io.ryegrass.awsapi.ServiceModel.ProtocolName;
import io.ryegrass.awsapi.ServiceOperations.Handler;
import io.ryegrass.awssignature.HttpRequestToSign;
import io.ryegrass.awssignature.SigV4Verifier;
import io.ryegrass.awssignature.SignatureException;
import io.ryegrass.awssignature.SignatureException.Dialect;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.SdkPojo;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Answers requests for AWS APIs. Safe for use by many threads; blocks as long as the handler does.
 *
 * <p>The order of checks is AWS's: signature, operation, types, constraints, permission, handler.
 * The protocol is recognised before the signature is checked, because clients read an error only
 * when it comes in their own protocol.
 */
public final class ApiEngine {

  private static final Logger LOG = LoggerFactory.getLogger(ApiEngine.class);

  /** A service with its model; read when the first request for it arrives. */
  private record Loaded(
      ServiceOperations operations, ServiceModel model, @Nullable Router router) {}

  /** The operation a request is for. */
  private record Call(
      Loaded service,
      Operation operation,
      Map<String, String> labels,
      Map<String, List<String>> query) {

    boolean served() {
      return service.operations().handlers().containsKey(operation.name());
    }
  }

  private final Map<String, List<ServiceOperations>> bySigningName = new LinkedHashMap<>();
  private final Map<String, Loaded> loaded = new ConcurrentHashMap<>();
  private final SigV4Verifier verifier;
  private final CallAuthoriser authoriser;
  private final String region;
  private final String accountId;
  private final Function<Object, String> principalArn;
  private final Clock clock;
  private final CallRecorder recorder;
  private final RestJsonProtocol restJson = new RestJsonProtocol();
  private final AwsJsonProtocol awsJson = new AwsJsonProtocol();
  private final QueryProtocol query = new QueryProtocol();

  /** As the other constructor, with the text of an identity for its ARN and the system's clock. */
  public ApiEngine(
      List<ServiceOperations> services,
      SigV4Verifier verifier,
      CallAuthoriser authoriser,
      String region,
      String accountId) {
    this(services, verifier, authoriser, region, accountId, String::valueOf, Clock.systemUTC());
  }

  /**
   * An engine for some services.
   *
   * @param services what is served; when two share a route, the first one listed that serves it
   *     answers
   * @param verifier checks signatures
   * @param authoriser asked before every call
   * @param region region of this cloud
   * @param accountId account of this cloud
   * @param principalArn the ARN of what the verifier's keys call identity
   */
  public ApiEngine(
      List<ServiceOperations> services,
      SigV4Verifier verifier,
      CallAuthoriser authoriser,
      String region,
      String accountId,
      Function<Object, String> principalArn,
      Clock clock) {
    this(services, verifier, authoriser, CallRecorder.NONE, region, accountId, principalArn, clock);
  }

  /**
   * As the other constructor, with someone who keeps a record of calls.
   *
   * @param recorder given every call that is not known to only read
   */
  public ApiEngine(
      List<ServiceOperations> services,
      SigV4Verifier verifier,
      CallAuthoriser authoriser,
      CallRecorder recorder,
      String region,
      String accountId,
      Function<Object, String> principalArn,
      Clock clock) {
    Map<String, ServiceOperations> byName = new LinkedHashMap<>();
    services.forEach(s -> byName.merge(s.service(), s, ServiceOperations::and));
    for (ServiceOperations service : byName.values()) {
      bySigningName
          .computeIfAbsent(Services.of(service.service()).signingName(), k -> new ArrayList<>())
          .add(service);
    }
    this.verifier = verifier;
    this.authoriser = authoriser;
    this.recorder = recorder;
    this.region = region;
    this.accountId = accountId;
    this.principalArn = principalArn;
    this.clock = clock;
  }

  /** Answers one request; never throws for anything the request contains. */
  public ApiResponse handle(ApiRequest request) {
    String requestId = UUID.randomUUID().toString();
    ProtocolName protocol = protocol(request);
    try {
      return answer(request, protocol, requestId);
    } catch (AwsException e) {
      return error(
          protocol,
          null,
          new Failure(e.code(), e.status(), String.valueOf(e.getMessage()), e.members()),
          requestId);
    } catch (RuntimeException e) {
      return error(protocol, null, internal(request.toString(), e, requestId), requestId);
    }
  }

  private ApiResponse answer(ApiRequest request, ProtocolName protocol, String requestId) {
    SigV4Verifier.Verified verified;
    try {
      verified =
          verifier.verify(
              new HttpRequestToSign(
                  request.method(), request.rawPath(), request.rawQuery(), request.headers()),
              request.body());
    } catch (SignatureException e) {
      if (e.reason() == SignatureException.Reason.MISSING && protocol == ProtocolName.QUERY) {
        Call open = findOpen(request);
        if (open != null) {
          return perform(open, unsigned(request, requestId), request);
        }
      }
      Dialect dialect = protocol == ProtocolName.QUERY ? Dialect.QUERY : Dialect.JSON;
      // services of awsJson answer 400 whatever is wrong with a signature
      throw new AwsException(
          e.awsCode(dialect),
          protocol == ProtocolName.JSON ? 400 : e.status(),
          e.awsMessage(dialect));
    }
    String signingName = Services.currentSigningName(verified.service());
    List<ServiceOperations> candidates =
        bySigningName.getOrDefault(signingName, Services.unserved(signingName));
    if (candidates.isEmpty()) {
      throw unknown(
          protocol,
          "The service '" + verified.service() + "' of the signature is not served here.");
    }
    Call call = find(request, protocol, candidates);
    Instant now = clock.instant();
    CallContext context =
        new CallContext(
            verified.key().identity(),
            principalArn.apply(verified.key().identity()),
            accountId,
            region,
            requestId,
            now,
            new CallContext.Origin(
                request.remoteAddress(),
                request.header("user-agent").orElse(""),
                verified.key().accessKeyId()));
    return perform(call, context, request);
  }

  /** An operation of STS that needs no signature, when the request is for one. */
  private @Nullable Call findOpen(ApiRequest request) {
    Map<String, List<String>> parameters = QueryProtocol.parameters(request);
    String action = parameters.getOrDefault("Action", List.of("")).getFirst();
    if (!Services.isOpen(action)) {
      return null;
    }
    return bySigningName.getOrDefault("sts", List.of()).stream()
        .findFirst()
        .map(this::load)
        .map(
            service ->
                new Call(
                    service,
                    Objects.requireNonNull(service.model().operations().get(action)),
                    Map.of(),
                    parameters))
        .orElse(null);
  }

  private CallContext unsigned(ApiRequest request, String requestId) {
    return new CallContext(
        null,
        "",
        accountId,
        region,
        requestId,
        clock.instant(),
        new CallContext.Origin(
            request.remoteAddress(), request.header("user-agent").orElse(""), ""));
  }

  private ApiResponse perform(Call call, CallContext context, ApiRequest request) {
    ServiceModel model = call.service().model();
    Protocol protocol = protocol(model.protocol());
    Operation operation = call.operation();
    String action = Services.iamAction(model.name(), operation.name());
    Failure failure;
    try {
      Handler handler = call.service().operations().handlers().get(operation.name());
      if (handler == null) {
        throw new AwsException(
            "UnsupportedOperationException",
            501,
            "Ryegrass does not serve " + model.name() + " " + operation.name() + ".");
      }
      ObjectNode input = protocol.read(operation, request, call.labels(), call.query());
      ObjectNode output =
          ReadOnly.isRecorded(model.name(), operation.name())
              ? recorder.record(
                  recorded(model, operation, action, context, input),
                  () -> checkedCall(model, operation, handler, action, context, input))
              : checkedCall(model, operation, handler, action, context, input);
      LOG.debug("{} by {}: done", action, context.principalArn());
      return protocol.write(model, operation, output, context.requestId());
    } catch (AwsException e) {
      failure = new Failure(e.code(), e.status(), String.valueOf(e.getMessage()), e.members());
    } catch (RuntimeException e) {
      failure = internal(action, e, context.requestId());
    }
    LOG.debug("{} by {}: {} {}", action, context.principalArn(), failure.code(), failure.message());
    return protocol.error(model, failure, context.requestId());
  }

  private static CallRecorder.RecordedCall recorded(
      ServiceModel model,
      Operation operation,
      String action,
      CallContext context,
      ObjectNode input) {
    Shape shape = operation.input();
    return new CallRecorder.RecordedCall(
        context,
        action,
        Services.of(model.name()).eventSource(),
        operation.name(),
        input,
        () -> shape == null ? input : Masking.masked(shape, input));
  }

  /** Constraints, permission, handler; modelled exceptions of the SDK become our own. */
  private ObjectNode checkedCall(
      ServiceModel model,
      Operation operation,
      Handler handler,
      String action,
      CallContext context,
      ObjectNode input) {
    String violations = operation.input() == null ? "" : Validator.check(operation.input(), input);
    if (!violations.isEmpty()) {
      throw new AwsException(Services.of(model.name()).validationCode(), 400, violations);
    }
    authoriser.authorise(context, action, input);
    try {
      return switch (handler) {
        case Handler.Json json -> json.function().apply(context, input);
        case Handler.Typed<?> typed -> callTyped(typed, context, input);
      };
    } catch (AwsServiceException e) {
      Failure failure = ofSdk(model, e);
      throw new AwsException(
          failure.code(), failure.status(), failure.message(), failure.members());
    }
  }

  private static <T extends SdkPojo> ObjectNode callTyped(
      Handler.Typed<T> handler, CallContext context, ObjectNode input) {
    T typed = TypedShapes.toPojo(input, handler.builder().get());
    return TypedShapes.toTree(handler.function().apply(context, typed));
  }

  private Call find(ApiRequest request, ProtocolName protocol, List<ServiceOperations> candidates) {
    return switch (protocol) {
      case JSON -> findByTarget(request.header("x-amz-target").orElse(""), candidates);
      case QUERY -> findByAction(QueryProtocol.parameters(request), candidates);
      case REST_JSON -> findByRoute(request, candidates);
    };
  }

  private Call findByTarget(String target, List<ServiceOperations> candidates) {
    int dot = target.lastIndexOf('.');
    String prefix = dot < 0 ? "" : target.substring(0, dot);
    for (ServiceOperations candidate : candidates) {
      Loaded service = load(candidate);
      Operation operation = service.model().operations().get(target.substring(dot + 1));
      if (operation != null && prefix.equals(service.model().targetPrefix())) {
        return new Call(service, operation, Map.of(), Map.of());
      }
    }
    throw unknown(ProtocolName.JSON, "There is no operation '" + target + "'.");
  }

  private Call findByAction(
      Map<String, List<String>> parameters, List<ServiceOperations> candidates) {
    String action = parameters.getOrDefault("Action", List.of("")).getFirst();
    for (ServiceOperations candidate : candidates) {
      Loaded service = load(candidate);
      Operation operation = service.model().operations().get(action);
      if (operation != null && service.model().protocol() == ProtocolName.QUERY) {
        return new Call(service, operation, Map.of(), parameters);
      }
    }
    throw unknown(
        ProtocolName.QUERY,
        "Could not find operation "
            + action
            + " for version "
            + parameters.getOrDefault("Version", List.of("NO_VERSION_SPECIFIED")).getFirst());
  }

  private Call findByRoute(ApiRequest request, List<ServiceOperations> candidates) {
    List<String> segments = Router.segments(request.rawPath());
    Map<String, List<String>> parameters = Router.query(request.rawQuery());
    List<Call> found = new ArrayList<>();
    for (ServiceOperations candidate : candidates) {
      Loaded service = load(candidate);
      if (service.router() != null) {
        service
            .router()
            .find(request.method(), segments, parameters)
            .ifPresent(m -> found.add(new Call(service, m.operation(), m.labels(), parameters)));
      }
    }
    if (found.isEmpty()) {
      throw unknown(
          ProtocolName.REST_JSON,
          "There is no operation for " + request.method() + " " + request.rawPath() + ".");
    }
    // V1 and V2 of Greengrass share one signing name and these routes; a V1 ARN has a path in it
    if (found.size() > 1 && segments.getFirst().equals("tags")) {
      boolean v1 =
          found.getFirst().labels().values().stream()
              .anyMatch(arn -> arn.contains(":/greengrass/"));
      for (Call call : found) {
        if (call.served() && call.service().model().name().equals("greengrass") == v1) {
          return call;
        }
      }
    }
    return found.stream().filter(Call::served).findFirst().orElse(found.getFirst());
  }

  private Loaded load(ServiceOperations service) {
    return loaded.computeIfAbsent(
        service.service(),
        name -> {
          ServiceModel model = ModelReader.read(name);
          for (String operation : service.operations()) {
            if (!model.operations().containsKey(operation)) {
              throw new IllegalStateException(
                  "the model of " + name + " has no operation " + operation);
            }
          }
          return new Loaded(
              service,
              model,
              model.protocol() == ProtocolName.REST_JSON ? new Router(model) : null);
        });
  }

  /**
   * Every operation of the models of the services that are served at all, and whether it is served.
   * Service name, then operation name. Reads all models: for documents, not for requests.
   */
  public SortedMap<String, SortedMap<String, Boolean>> coverage() {
    SortedMap<String, SortedMap<String, Boolean>> all = new TreeMap<>();
    for (List<ServiceOperations> together : bySigningName.values()) {
      for (ServiceOperations service : together) {
        SortedMap<String, Boolean> operations = new TreeMap<>();
        load(service)
            .model()
            .operations()
            .forEach((name, o) -> operations.put(name, isServed(service, o, together)));
        all.put(service.service(), operations);
      }
    }
    return all;
  }

  /** By the service itself, or by one that has the same operation on the same route. */
  private boolean isServed(
      ServiceOperations service, Operation operation, List<ServiceOperations> together) {
    return service.operations().contains(operation.name())
        || (load(service).router() != null
            && together.stream()
                .filter(other -> other != service)
                .map(this::load)
                .filter(other -> other.operations().operations().contains(operation.name()))
                .map(other -> other.model().operations().get(operation.name()))
                .anyMatch(other -> isSameRoute(operation, other)));
  }

  private static boolean isSameRoute(Operation one, @Nullable Operation other) {
    return other != null
        && one.method().equals(other.method())
        && withoutNames(one.segments()).equals(withoutNames(other.segments()));
  }

  private static List<String> withoutNames(List<String> segments) {
    return segments.stream().map(s -> s.startsWith("{") ? "{}" : s).toList();
  }

  private static ProtocolName protocol(ApiRequest request) {
    if (request.header("x-amz-target").isPresent()) {
      return ProtocolName.JSON;
    }
    boolean form =
        request
            .header("content-type")
            .filter(t -> t.startsWith("application/x-www-form-urlencoded"))
            .isPresent();
    boolean atRoot = request.rawPath().isEmpty() || request.rawPath().equals("/");
    return atRoot && (form || request.rawQuery().contains("Action="))
        ? ProtocolName.QUERY
        : ProtocolName.REST_JSON;
  }

  private Protocol protocol(ProtocolName name) {
    return switch (name) {
      case REST_JSON -> restJson;
      case JSON -> awsJson;
      case QUERY -> query;
    };
  }

  private ApiResponse error(
      ProtocolName protocol, @Nullable ServiceModel model, Failure failure, String requestId) {
    return protocol(protocol).error(model, failure, requestId);
  }

  private static AwsException unknown(ProtocolName protocol, String message) {
    return switch (protocol) {
      case QUERY -> new AwsException("InvalidAction", 400, message);
      case JSON -> new AwsException("UnknownOperationException", 400, message);
      case REST_JSON -> new AwsException("UnknownOperationException", 404, message);
    };
  }

  /** A modelled exception of the SDK; its status and code come from the model when it has none. */
  private static Failure ofSdk(ServiceModel model, AwsServiceException e) {
    String code = e.getClass().getSimpleName();
    String message = e.getMessage();
    if (e.awsErrorDetails() != null) {
      code = e.awsErrorDetails().errorCode() == null ? code : e.awsErrorDetails().errorCode();
      message = e.awsErrorDetails().errorMessage();
    }
    Shape shape = model.error(code);
    int status = e.statusCode();
    if (shape != null) {
      status = status == 0 ? shape.errorStatus : status;
      code = shape.name;
    }
    return new Failure(
        code, status == 0 ? 400 : status, message == null ? code : message, TypedShapes.toTree(e));
  }

  private static Failure internal(String what, RuntimeException e, String requestId) {
    LOG.error("{} failed, request {}", what, requestId, e);
    return new Failure(
        "InternalFailure",
        500,
        what
            + " failed inside Ryegrass: "
            + e
            + ". This is a defect; report it with request id "
            + requestId
            + ".",
        JsonNodeFactory.instance.objectNode());
  }
}
