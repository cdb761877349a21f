/**
 * The audit log: a record of every call that changes something, whoever made it.
 *
 * <p>{@link io.ryegrass.identity.audit.AuditTrail} is the recorder of the API engine and is told by
 * the gateway what devices and S3 clients change. Its records have the shape of CloudTrail's;
 * {@code LookupEvents} of CloudTrail answers them, newest first.
 *
 * <p>What is guaranteed: the record of a call that succeeded is on disk before the call is
 * answered, in the call's own first transaction when it has one, so that a change and its record
 * stay or go together. The records of calls that failed follow within a second; a crash may lose
 * those. Secrets are never in a record. Old records are deleted by age and by number.
 *
 * <p>What it does not do: no reads are recorded, no data of devices (messages, telemetry, log
 * events), no trails to buckets, no signatures over the log.
 */
@NullMarked
package io.ryegrass.identity.audit;

import org.jspecify.annotations.NullMarked;
