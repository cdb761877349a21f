/**
 * Lambda functions on the core: V1 group functions and V2 Lambda components are the same thing
 * here, a component of type {@code aws.greengrass.lambda}.
 *
 * <p>What is inside: {@link io.ryegrass.lambda.LambdaManager} (built-in component and maker of
 * function components), one {@code FunctionPool} for each function (queue, workers, time limits),
 * the daemon port on loopback that workers talk to (V1 work protocol of v1-lambda-runtime.md
 * section 3 and the public Lambda Runtime API), and two ways to start a worker: a plain process in
 * its own session, or a container by an OCI runtime. Messages come from the nucleus' bus and go
 * back to it; the subscription table is elsewhere.
 *
 * <p>What is not: the shadow service and secrets. They register with {@link
 * io.ryegrass.lambda.LambdaManager#serve}; until they do, callers get an error that says so. The
 * runtimes themselves (what loads a handler) lie in the folder {@code runtimes/}.
 *
 * <p>Guarantees. One worker has one token, which dies with it. A function's queue is bounded; what
 * does not fit is refused to the sender and counted. A caller that waits for an answer always gets
 * one: the function's, or {@code Unhandled} with a reason when the process ran out of time, crashed
 * or was stopped. Work that is queued or running when the core process dies is lost (V1 has the
 * same rule: the queue is in memory); worker processes and containers left behind by a killed core
 * are ended at the next start, before anything new runs, because each is noted in {@code
 * work/aws.greengrass.LambdaManager/workers} as soon as it has started; one that started within
 * those milliseconds ends by itself, since nobody accepts its token.
 */
@NullMarked
package io.ryegrass.lambda;

import org.jspecify.annotations.NullMarked;
