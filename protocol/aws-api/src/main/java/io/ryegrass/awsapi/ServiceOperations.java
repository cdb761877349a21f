package io.ryegrass.awsapi;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import software.amazon.awssdk.core.SdkPojo;
import software.amazon.awssdk.utils.builder.SdkBuilder;
import tools.jackson.databind.node.ObjectNode;

/**
 * The operations of one AWS service that someone serves, each with its handler. Handlers are called
 * on many threads at once and may block.
 */
public final class ServiceOperations {

  /** Something that is done around every operation; see {@link #around}. */
  @FunctionalInterface
  public interface Around {
    ObjectNode call(
        String operation,
        CallContext context,
        ObjectNode input,
        BiFunction<CallContext, ObjectNode, ObjectNode> next);
  }

  /** What is called for an operation. */
  sealed interface Handler {
    record Json(BiFunction<CallContext, ObjectNode, ObjectNode> function) implements Handler {}

    record Typed<T extends SdkPojo>(
        Supplier<? extends SdkBuilder<?, T>> builder,
        BiFunction<CallContext, T, ? extends SdkPojo> function)
        implements Handler {}
  }

  private final String service;
  private final Map<String, Handler> handlers;

  private ServiceOperations(String service, Map<String, Handler> handlers) {
    this.service = service;
    this.handlers = Map.copyOf(handlers);
  }

  /**
   * Starts the description of a service.
   *
   * @param service one of iot, iotdata, iot-jobs-data, greengrass, greengrassv2, lambda, logs, sts,
   *     iam, secretsmanager
   */
  public static Builder of(String service) {
    return new Builder(service);
  }

  /** Name of the service. */
  public String service() {
    return service;
  }

  /** Names of the operations that are served. */
  public Set<String> operations() {
    return handlers.keySet();
  }

  Map<String, Handler> handlers() {
    return handlers;
  }

  /** The same operations, each handler on JSON trees called through {@code around}. */
  public ServiceOperations around(Around around) {
    Builder builder = of(service);
    handlers.forEach(
        (operation, handler) ->
            builder.put(
                operation,
                handler instanceof Handler.Json json
                    ? new Handler.Json(
                        (context, input) -> around.call(operation, context, input, json.function()))
                    : handler));
    return builder.build();
  }

  /** Several modules may each serve a part of one service, as the registry and jobs do of iot. */
  ServiceOperations and(ServiceOperations other) {
    Builder both = of(service);
    handlers.forEach(both::put);
    other.handlers.forEach(both::put);
    return both.build();
  }

  /** Collects the operations of a service. */
  public static final class Builder {

    private final String service;
    private final Map<String, Handler> handlers = new LinkedHashMap<>();

    private Builder(String service) {
      this.service = service;
    }

    /**
     * Serves an operation with SDK classes: {@code typed("CreateThing",
     * CreateThingRequest::builder, this::createThing)}. Members that are not in the request stay
     * null.
     *
     * @param operation name in the model
     * @param requestBuilder makes an empty request builder
     * @param handler returns the SDK's response, throws its modelled exception or {@link
     *     AwsException}
     */
    public <T extends SdkPojo> Builder typed(
        String operation,
        Supplier<? extends SdkBuilder<?, T>> requestBuilder,
        BiFunction<CallContext, T, ? extends SdkPojo> handler) {
      return put(operation, new Handler.Typed<>(requestBuilder, handler));
    }

    /**
     * Serves an operation with JSON trees. Members have the names of the model; blobs are base64
     * text, timestamps seconds since 1970 as numbers.
     *
     * @param operation name in the model
     * @param handler returns the output's members, throws {@link AwsException}
     */
    public Builder json(String operation, BiFunction<CallContext, ObjectNode, ObjectNode> handler) {
      return put(operation, new Handler.Json(handler));
    }

    private Builder put(String operation, Handler handler) {
      if (handlers.put(operation, handler) != null) {
        throw new IllegalArgumentException(service + " operation registered twice: " + operation);
      }
      return this;
    }

    /** The finished description. */
    public ServiceOperations build() {
      return new ServiceOperations(service, handlers);
    }
  }
}
