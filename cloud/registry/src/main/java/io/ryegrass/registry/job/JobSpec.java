package io.ryegrass.registry.job;

import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * A job to be made.
 *
 * @param targetThings things that get an execution at once
 * @param thingGroup a group to follow continuously, or null for a snapshot job
 * @param namespace for example {@code aws-gg-deployment}; changes the topics; null for the usual
 *     ones
 */
public record JobSpec(
    String jobId,
    List<String> targetThings,
    @Nullable String thingGroup,
    ObjectNode document,
    @Nullable String namespace) {
  public JobSpec {
    targetThings = List.copyOf(targetThings);
  }
}
