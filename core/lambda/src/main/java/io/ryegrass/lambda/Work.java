package io.ryegrass.lambda;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * One piece of work for a function.
 *
 * @param id invocation id
 * @param payload the event as it came
 * @param clientContext base64 of JSON, or empty
 * @param waits whether a caller waits for the answer (RequestResponse)
 * @param result completed exactly once, also for Event work
 */
record Work(
    String id,
    byte[] payload,
    String clientContext,
    boolean waits,
    CompletableFuture<WorkResult> result) {

  /**
   * An invocation id. It opens nothing by itself, so it need not be beyond guessing: who asks with
   * it is known by a token.
   */
  static String newId() {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    long high = (random.nextLong() & ~0xf000L) | 0x4000L; // version 4, variant 2: RFC 9562
    long low = (random.nextLong() & ~(3L << 62)) | (1L << 63);
    return new UUID(high, low).toString();
  }

  static Work event(byte[] payload, String clientContext) {
    return new Work(newId(), payload, clientContext, false, new CompletableFuture<>());
  }

  static Work request(byte[] payload, String clientContext) {
    return new Work(newId(), payload, clientContext, true, new CompletableFuture<>());
  }

  /** A routed message: the handler finds the topic as {@code client_context.custom['subject']}. */
  static Work message(String topic, byte[] payload) {
    ObjectNode context = JsonNodeFactory.instance.objectNode();
    context.putObject("custom").put("subject", topic);
    return event(
        payload,
        Base64.getEncoder().encodeToString(context.toString().getBytes(StandardCharsets.UTF_8)));
  }
}
