package io.ryegrass.ipc;

import io.ryegrass.eventstream.RpcOperation.Order;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** PutComponentMetric (v2-ipc.md §7.10). */
final class MetricOperations {
  private static final String SERVICE = "aws.greengrass.ipc.componentmetric";
  private static final String PUT = "PutComponentMetric";
  private static final String STREAM_MANAGER = "aws.greengrass.StreamManager";
  private static final int MAX_NAME_BYTES = 32;
  private static final Set<String> UNITS =
      Set.of("BYTES", "BYTES_PER_SECOND", "COUNT", "COUNT_PER_SECOND", "MEGABYTES", "SECONDS");

  private final ComponentMetrics metrics;
  private final Authorisation authorisation;

  MetricOperations(ComponentMetrics metrics, Authorisation authorisation) {
    this.metrics = metrics;
    this.authorisation = authorisation;
  }

  void addTo(CoreService.Table table) {
    table.unary(PUT, Order.IN_ORDER, this::put);
  }

  private record Metric(String name, String unit, double value) {}

  /** All or none: the list is checked before the first one counts. */
  private ObjectNode put(String principal, ObjectNode request) {
    if (!principal.startsWith("aws.")) {
      throw Errors.unauthorized(
          principal + " is not authorized to put metrics; only components of aws. are");
    }
    JsonNode list = request.path("metrics");
    if (!list.isArray() || list.isEmpty()) {
      throw Errors.invalidArguments("metrics must be a list with at least one metric");
    }
    List<Metric> put = new ArrayList<>();
    for (JsonNode each : list) {
      put.add(metric(each));
    }
    for (Metric metric : put) {
      if (!principal.equals(STREAM_MANAGER)) {
        authorisation.check(principal, SERVICE, Errors.NAMESPACE + PUT, metric.name());
      }
    }
    put.forEach(m -> metrics.put(principal, m.name(), m.unit(), m.value()));
    return Requests.empty();
  }

  private static Metric metric(JsonNode json) {
    if (!(json instanceof ObjectNode metric)) {
      throw Errors.invalidArguments("each metric must be an object");
    }
    String name = Requests.text(metric, "name");
    if (name.getBytes(StandardCharsets.UTF_8).length > MAX_NAME_BYTES) {
      throw Errors.invalidArguments(
          "the metric name \"" + name + "\" has more than " + MAX_NAME_BYTES + " bytes");
    }
    String unit = Requests.text(metric, "unit");
    if (!UNITS.contains(unit)) {
      throw Errors.invalidArguments("unit must be one of " + UNITS + ", but is \"" + unit + "\"");
    }
    JsonNode value = metric.path("value");
    if (!value.isNumber() || !(value.asDouble() >= 0)) {
      throw Errors.invalidArguments("the value of " + name + " must be a number, 0 or more");
    }
    return new Metric(name, unit, value.asDouble());
  }
}
