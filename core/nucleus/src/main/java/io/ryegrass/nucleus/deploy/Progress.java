package io.ryegrass.nucleus.deploy;

import io.ryegrass.durable.DurableFiles;
import io.ryegrass.model.DeploymentDocument;
import io.ryegrass.model.Json;
import io.ryegrass.nucleus.DeploymentRecord;
import io.ryegrass.nucleus.DeploymentRequest;
import io.ryegrass.nucleus.DeploymentStatus;
import io.ryegrass.nucleus.LocalDeployment;
import io.ryegrass.nucleus.deploy.DeploymentTable.State;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * One deployment's persisted progress. Immutable; each change is a new value that is written before
 * it counts.
 *
 * @param previous generation to go back to, -1 before it is known
 * @param next generation that it makes, -1 before it is known
 * @param attempts how often the nucleus started while the new generation was being watched
 * @param detailed detailed status; empty before the end
 * @param reported whether the final status was delivered
 * @param local the local deployment as it was asked for ({@link LocalForm}), or null
 * @param steps what was done within a state and must not be done again: bootstrap steps, restarts
 */
record Progress(
    long sequence,
    DeploymentRequest request,
    State state,
    Instant received,
    Instant since,
    boolean begun,
    long previous,
    long next,
    int attempts,
    String detailed,
    @Nullable String cause,
    List<String> stack,
    List<String> types,
    boolean reported,
    List<String> steps,
    @Nullable String local) {
  private static final String DOCUMENT_FILE = "documentFile";

  static Progress of(
      long sequence, DeploymentRequest request, @Nullable LocalDeployment local, Instant time) {
    Instant now = time.truncatedTo(ChronoUnit.MILLIS); // as it is kept on disk
    return new Progress(
        sequence,
        request,
        State.RECEIVED,
        now,
        now,
        false,
        -1,
        -1,
        0,
        "",
        null,
        List.of(),
        List.of(),
        false,
        List.of(),
        local == null ? null : LocalForm.toText(local));
  }

  /** The request of a local deployment when its turn has come. */
  Progress with(DeploymentRequest r) {
    return new Progress(
        sequence, r, state, received, since, begun, previous, next, attempts, detailed, cause,
        stack, types, reported, steps, local);
  }

  /** Starts over: nothing of an earlier attempt counts. */
  Progress afresh() {
    return new Progress(
        sequence, request, state, received, since, begun, -1, -1, attempts, detailed, cause, stack,
        types, reported, List.of(), local);
  }

  Progress in(State s, Instant now) {
    return new Progress(
        sequence, request, s, received, now, begun, previous, next, attempts, detailed, cause,
        stack, types, reported, steps, local);
  }

  Progress begins() {
    return new Progress(
        sequence, request, state, received, since, true, previous, next, attempts, detailed, cause,
        stack, types, reported, steps, local);
  }

  Progress between(long previousGeneration, long nextGeneration) {
    return new Progress(
        sequence,
        request,
        state,
        received,
        since,
        begun,
        previousGeneration,
        nextGeneration,
        attempts,
        detailed,
        cause,
        stack,
        types,
        reported,
        steps,
        local);
  }

  Progress attempted() {
    return new Progress(
        sequence,
        request,
        state,
        received,
        since,
        begun,
        previous,
        next,
        attempts + 1,
        detailed,
        cause,
        stack,
        types,
        reported,
        steps,
        local);
  }

  /** One more step is done; what the core was started for it counts no more. */
  Progress step(String done) {
    List<String> more = new ArrayList<>(steps);
    more.add(done);
    return new Progress(
        sequence,
        request,
        state,
        received,
        since,
        begun,
        previous,
        next,
        0,
        detailed,
        cause,
        stack,
        types,
        reported,
        List.copyOf(more),
        local);
  }

  boolean done(String step) {
    return steps.contains(step);
  }

  Progress failed(@Nullable String why, List<String> codes, List<String> kinds) {
    return new Progress(
        sequence, request, state, received, since, begun, previous, next, attempts, detailed, why,
        codes, kinds, reported, steps, local);
  }

  Progress detailed(String status) {
    return new Progress(
        sequence, request, state, received, since, begun, previous, next, attempts, status, cause,
        stack, types, reported, steps, local);
  }

  /**
   * What is kept of one that has ended: who asked for it and what came of it. The components of a
   * large deployment would take megabytes, for each that is remembered.
   */
  Progress withoutComponents() {
    DeploymentDocument d = request.document();
    return d.components().isEmpty()
        ? this
        : with(
            new DeploymentRequest(
                request.origin(),
                request.id(),
                new DeploymentDocument(
                    d.deploymentId(),
                    d.deploymentName(),
                    d.configurationArn(),
                    d.parentTargetArn(),
                    d.onBehalfOf(),
                    d.creationTimestamp(),
                    Map.of(),
                    d.failureHandlingPolicy(),
                    d.requiredCapabilities(),
                    d.componentUpdatePolicy(),
                    d.configurationValidationPolicy())));
  }

  Progress delivered() {
    return new Progress(
        sequence, request, state, received, since, begun, previous, next, attempts, detailed, cause,
        stack, types, true, steps, local);
  }

  boolean is(String origin, String id) {
    return request.origin().equals(origin) && request.id().equals(id);
  }

  /** Status for reports. */
  String status() {
    return switch (state) {
      case SUCCEEDED, FAILED, REJECTED, CANCELED -> state.name();
      default -> begun ? "IN_PROGRESS" : "QUEUED";
    };
  }

  DeploymentStatus toStatus() {
    return new DeploymentStatus(
        request.origin(),
        request.id(),
        request.document().configurationArn(),
        deploymentId(),
        status(),
        detailed,
        cause,
        stack,
        types);
  }

  DeploymentRecord toRecord() {
    return new DeploymentRecord(
        request.origin(),
        request.id(),
        request.document().configurationArn(),
        deploymentId(),
        state.name(),
        status(),
        detailed,
        cause,
        stack,
        types,
        received,
        since);
  }

  private @Nullable String deploymentId() {
    String id = request.document().deploymentId();
    return id.isEmpty() ? null : id;
  }

  // ---- on disk

  /**
   * Durable when it returns.
   *
   * @param document the document as text, or the name of the file beside it that has it
   */
  void write(Path folder, String document, boolean isFile) {
    ObjectNode n = JsonNodeFactory.instance.objectNode();
    n.put("origin", request.origin());
    n.put("id", request.id());
    n.put(isFile ? DOCUMENT_FILE : "document", document);
    n.put("local", local);
    n.put("state", state.name());
    n.put("received", received.toEpochMilli());
    n.put("since", since.toEpochMilli());
    n.put("begun", begun);
    n.put("previous", previous);
    n.put("next", next);
    n.put("attempts", attempts);
    n.put("detailed", detailed);
    n.put("cause", cause);
    stack.forEach(n.putArray("stack")::add);
    types.forEach(n.putArray("types")::add);
    n.put("reported", reported);
    steps.forEach(n.putArray("steps")::add);
    DurableFiles.writeAtomically(
        file(folder, sequence), n.toString().getBytes(StandardCharsets.UTF_8));
  }

  static Path file(Path folder, long sequence) {
    return folder.resolve(String.format("%010d.json", sequence));
  }

  /** The name of the file that has the document, when the record itself does not. */
  static @Nullable String documentFile(byte[] bytes) {
    return text(Json.read(bytes), DOCUMENT_FILE);
  }

  /**
   * @param document the document of a file of its own, or null when the record has it
   */
  static Progress read(long sequence, byte[] bytes, @Nullable String document) {
    JsonNode n = Json.read(bytes);
    return new Progress(
        sequence,
        new DeploymentRequest(
            n.path("origin").asString(),
            n.path("id").asString(),
            DeploymentDocument.parse(document == null ? n.path("document").asString() : document)),
        State.valueOf(n.path("state").asString()),
        Instant.ofEpochMilli(n.path("received").asLong()),
        Instant.ofEpochMilli(n.path("since").asLong()),
        n.path("begun").asBoolean(),
        n.path("previous").asLong(),
        n.path("next").asLong(),
        n.path("attempts").asInt(),
        n.path("detailed").asString(""),
        text(n, "cause"),
        list(n, "stack"),
        list(n, "types"),
        n.path("reported").asBoolean(),
        list(n, "steps"),
        text(n, "local"));
  }

  private static @Nullable String text(JsonNode n, String key) {
    JsonNode v = n.get(key);
    return v == null || v.isNull() ? null : v.asString();
  }

  private static List<String> list(JsonNode n, String key) {
    List<String> all = new ArrayList<>();
    n.path(key).forEach(v -> all.add(v.asString()));
    return all;
  }
}
