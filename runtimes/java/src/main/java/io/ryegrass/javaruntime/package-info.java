/**
 * What runs beside a Java function, in a process of its own: loads the handler, tells the core that
 * it is initialised, then asks for work, calls the handler and gives the answer, until SIGTERM
 * (v1-lambda-runtime.md sections 2 to 6). Java 8 and newer; no library but AWS's function
 * interfaces, which handlers are written against.
 *
 * <p>Function code has a class loader of its own: the root of its package, then the jars in {@code
 * lib/}; ours come first. JSON is our own (decision 045): every library for it would have to be
 * hidden from the libraries of the function, and would be most of a cold start.
 *
 * <p>Nothing on the way of a cold start uses lambdas, {@code String.format}, regular expressions or
 * streams: each of them starts machinery of the JVM that takes longer than the rest of the start.
 *
 * <p>When this process dies, the core answers the caller of the work it had with {@code Unhandled};
 * nothing is kept here.
 */
@NullMarked
package io.ryegrass.javaruntime;

import org.jspecify.annotations.NullMarked;
