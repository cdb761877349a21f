/**
 * {@code ./ryegrass bench lambda}: functions on a core, seen from outside. A core is started as
 * users start it, functions are deployed to it as local deployments, and a function of the
 * benchmark's own lends its token to this process, which then calls the others over the daemon port
 * as any function does. {@link io.ryegrass.bench.lambda.Runtimes} is the table of what is called;
 * what the machine lacks is printed as missing, not as measured.
 *
 * <p>Nothing is left behind but a folder under the system's temporary one when something failed.
 */
@NullMarked
package io.ryegrass.bench.lambda;

import org.jspecify.annotations.NullMarked;
