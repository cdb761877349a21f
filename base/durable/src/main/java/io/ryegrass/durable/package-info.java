/**
 * Crash-safe files: what every other module uses when something must still be there after the power
 * went.
 *
 * <p>What it does: {@link io.ryegrass.durable.DurableFiles} replaces a small file whole (write
 * aside, fsync, rename, fsync of the folder); {@link io.ryegrass.durable.SegmentedLog} appends
 * records to a checksummed log with one fsync for all who wait (group commit); {@link
 * io.ryegrass.durable.DataFolderLock} keeps a second process out of a data folder.
 *
 * <p>What it does not do: it interprets nothing that it stores, keeps no index but the position of
 * segments, and has no policy for a full log: {@link io.ryegrass.durable.DurableException} with
 * code {@code LOG_FULL} goes to the caller, who knows what may be dropped.
 *
 * <p>Who calls: the MQTT engine (session journal), the nucleus (generations, configuration log),
 * the link to the cloud (spool), the cloud (keys and certificates).
 *
 * <p>When the process or the machine dies at any moment: a file is either the old one or the new
 * one, never a mixture; every record that was appended before a {@code sync()} that returned is
 * read again, in order; a record that was half written is cut off on the next open and never read.
 * An fsync that failed is never retried as though nothing had happened: the log refuses further
 * work until it is opened anew, since the kernel may have thrown the dirty pages away.
 *
 * <p>All classes are safe for use by many threads. Interrupting a thread does not close anybody's
 * files.
 */
@NullMarked
package io.ryegrass.durable;

import org.jspecify.annotations.NullMarked;
