/**
 * How fast the IPC socket is, measured from outside: {@link io.ryegrass.ipc.bench.IpcBench} starts
 * a nucleus of its own in a second process with the core's JVM options, and speaks to it as AWS's
 * SDK does and, to show where that client itself is the limit, by bare sockets.
 */
@NullMarked
package io.ryegrass.ipc.bench;

import org.jspecify.annotations.NullMarked;
