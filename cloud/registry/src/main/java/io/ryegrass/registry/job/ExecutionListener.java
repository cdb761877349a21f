package io.ryegrass.registry.job;

import java.util.Map;

/**
 * Told of each change of an execution inside the transaction that makes it: what the listener
 * writes to the same store is on disk together with the change, or neither is. One that throws is
 * logged; what it wrote is undone, the change stays.
 */
@FunctionalInterface
public interface ExecutionListener {
  void changed(
      String jobId, String thing, ExecutionStatus status, Map<String, String> statusDetails);
}
