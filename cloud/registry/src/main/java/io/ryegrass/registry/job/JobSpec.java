package io.ryegrass.registry.job;

import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * A job to be made.
 *
 * @param targetThings things that get an execution
 * @param targetGroups groups whose things, those of their child groups too, get one
 * @param continuous whether the job follows its groups: who joins later gets an execution, who
 *     leaves loses it
 * @param namespace for example {@code aws-gg-deployment}; changes the topics; null for the usual
 *     ones
 * @param settings how fast, how long, how often; {@link JobSettings#NONE} for none
 */
public record JobSpec(
    String jobId,
    List<String> targetThings,
    List<String> targetGroups,
    boolean continuous,
    ObjectNode document,
    @Nullable String namespace,
    JobSettings settings) {
  /** Copies the lists. */
  public JobSpec {
    targetThings = List.copyOf(targetThings);
    targetGroups = List.copyOf(targetGroups);
  }

  /**
   * A job for things (a snapshot), or one that follows a group.
   *
   * @param thingGroup a group to follow continuously, or null for a snapshot job
   */
  public JobSpec(
      String jobId,
      List<String> targetThings,
      @Nullable String thingGroup,
      ObjectNode document,
      @Nullable String namespace,
      JobSettings settings) {
    this(
        jobId,
        targetThings,
        thingGroup == null ? List.of() : List.of(thingGroup),
        thingGroup != null,
        document,
        namespace,
        settings);
  }

  /** As the other one, without settings. */
  public JobSpec(
      String jobId,
      List<String> targetThings,
      @Nullable String thingGroup,
      ObjectNode document,
      @Nullable String namespace) {
    this(jobId, targetThings, thingGroup, document, namespace, JobSettings.NONE);
  }
}
