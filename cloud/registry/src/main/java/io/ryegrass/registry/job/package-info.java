/**
 * IoT jobs: documents sent to things or groups, one execution per thing, answered over the jobs
 * topics of MQTT, including the namespaced topics that Greengrass deployments use.
 *
 * <p>Executions go through the table of {@link io.ryegrass.registry.job.ExecutionStatus}. A
 * continuous job follows its group: who joins gets an execution, whose open execution loses its
 * thing from the group becomes REMOVED.
 *
 * <p>What it does not do: no roll-out rates, abort thresholds, schedules, retries or time-out
 * timers; fields for them are refused rather than ignored where that would mislead.
 *
 * <p>Who calls it: operators through the {@code iot} API, Greengrass deployments through {@link
 * io.ryegrass.registry.job.JobService#create}, devices through the topics.
 *
 * <p>When the process dies: the state is on disk before a device sees {@code accepted}. A
 * notification lost in between is healed by the device, which asks for {@code $next} whenever it
 * connects.
 */
@NullMarked
package io.ryegrass.registry.job;

import org.jspecify.annotations.NullMarked;
