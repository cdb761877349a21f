/**
 * Event-stream frames and the RPC protocol that Greengrass components speak over a Unix domain
 * socket.
 *
 * <p>What is here: the frame codec with both checksums ({@link
 * io.ryegrass.eventstream.MessageCodec}), the RPC server ({@link
 * io.ryegrass.eventstream.RpcServer}) with handshake, stream numbering, termination and errors as
 * the official clients expect them, and a small client ({@link io.ryegrass.eventstream.RpcClient})
 * for the command line and for tests. What is not here: any operation. A service hands in its
 * operations as {@link io.ryegrass.eventstream.RpcService}; the ones of Greengrass live in {@code
 * core/ipc}.
 *
 * <p>Threads: one virtual thread accepts, two per connection read and write. Operations that are
 * {@linkplain io.ryegrass.eventstream.RpcOperation.Order#IN_ORDER in order} run on the reading
 * thread, so two publications of one component keep their order and a slow server slows its client
 * down instead of collecting work; the others get a virtual thread each.
 *
 * <p>Bounds: message size, headers, live streams per connection, connections, bytes waiting to be
 * written. A peer that does not read for the write deadline loses its connection; a peer that does
 * not send its handshake in time loses it too.
 *
 * <p>State: none survives the process. When it dies, all streams end, and clients connect anew;
 * there is no resume in this protocol.
 */
@NullMarked
package io.ryegrass.eventstream;

import org.jspecify.annotations.NullMarked;
