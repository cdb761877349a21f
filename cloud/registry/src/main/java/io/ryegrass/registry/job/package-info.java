/**
 * IoT jobs: documents sent to things or groups, one execution per thing, answered over the jobs
 * topics of MQTT (those with a namespace too, which Greengrass deployments use) and over HTTPS.
 *
 * <p>{@link io.ryegrass.registry.job.JobService} is the face. Executions go through the table of
 * {@link io.ryegrass.registry.job.ExecutionStatus}, jobs through that of {@code JobStatus}. A
 * rollout goes at the pace of its settings ({@code Pace}, {@code RolloutRate}); without settings
 * everybody is told as fast as it goes. Time-outs, retries and abort criteria are applied where an
 * execution changes, in the same transaction as the change, the job's counters and what listeners
 * write. A continuous job follows its groups and those below them.
 *
 * <p>All state is in the store, what is still to be done too: things that a rollout has not reached
 * are rows of {@code job_waiting}, and {@code job_progress.due} says when a job has to be looked
 * at. One worker does what is due in transactions of at most a hundred things, and sleeps
 * otherwise.
 *
 * <p>What it does not do: maintenance windows (refused), versions of software packages ({@code
 * destinationPackageVersions} is refused), commands.
 *
 * <p>Who calls it: operators through the {@code iot} API, Greengrass deployments through {@link
 * io.ryegrass.registry.job.JobService#create}, devices through the topics and HTTPS.
 *
 * <p>When the process dies: the state is on disk before a device sees {@code accepted}, and the
 * next process goes on with rollouts, cancellations and timers where this one was. A notification
 * or an event lost in between is not sent again; a device asks for {@code $next} whenever it
 * connects.
 */
@NullMarked
package io.ryegrass.registry.job;

import org.jspecify.annotations.NullMarked;
