package io.ryegrass.registry.job;

import java.util.Map;

/** Told after an execution changed and the change is on disk. */
@FunctionalInterface
public interface ExecutionListener {
  void changed(
      String jobId, String thing, ExecutionStatus status, Map<String, String> statusDetails);
}
