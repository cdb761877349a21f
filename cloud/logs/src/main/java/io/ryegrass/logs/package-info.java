/**
 * CloudWatch Logs as far as it takes to receive what cores, components and functions send, and to
 * query it: groups, streams, events, retention, filter patterns.
 *
 * <p>{@link io.ryegrass.logs.LogsService} describes the operations, tells the authoriser which
 * group or stream a request is about, and sweeps: events past their group's retention and events of
 * deleted groups go; so do the oldest events of all when the store is at its bound. What the bound
 * took is counted and logged.
 *
 * <p>Events stand in a store of their own, one row each (decision 027), so that a fleet that talks
 * much does not keep the writer of the control plane busy, and its file can be thrown away alone.
 *
 * <p>Not here: metric filters, subscriptions, Insights queries, exports, live tail, and in filter
 * patterns regular expressions and space-delimited fields: refused.
 *
 * <p>When the process dies: a PutLogEvents that was answered is on disk whole, one that was not is
 * there whole or not at all. A sweep that was cut off goes on at the next start; readers never see
 * expired events, swept or not.
 */
@NullMarked
package io.ryegrass.logs;

import org.jspecify.annotations.NullMarked;
