package io.ryegrass.registry.job;

import java.util.Map;

/**
 * Told of a new execution in the transaction that makes it (what the listener writes is on disk
 * together with it), of all other changes after they are on disk.
 */
@FunctionalInterface
public interface ExecutionListener {
  void changed(
      String jobId, String thing, ExecutionStatus status, Map<String, String> statusDetails);
}
