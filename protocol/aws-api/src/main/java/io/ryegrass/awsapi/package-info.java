/**
 * Serves AWS HTTP APIs from AWS's own service models: bytes in, bytes out, no socket.
 *
 * <p>A request is recognised (service by credential scope, target header or route; operation by the
 * model), its signature is checked, its input is read into a JSON tree by the model's shapes and
 * held against the model's constraints, the caller is authorised, and the operation's handler is
 * called. What it returns or throws is written back in the protocol of the request: restJson1,
 * awsJson1.0/1.1 or awsQuery. An operation that the model knows and nobody serves is answered 501;
 * one that the model does not know gets the AWS error of its protocol. Adding an operation is
 * therefore one line of registration and its domain code.
 *
 * <p>The models are unpacked from {@code com.amazonaws:aws-java-sdk-models} when this module is
 * built, stripped of documentation, and put on the class path; this repository holds none of them.
 * A model is read when the first request for its service arrives or routes are needed, and only for
 * services that are registered.
 *
 * <p>Handlers come in two kinds: typed, on the model classes of AWS SDK for Java v2 (whose
 * protected {@code SdkPojo} API is used in {@code TypedShapes} only), or on JSON trees with the
 * member names of the model and blobs as base64 text.
 *
 * <p>Calls that change something go through a {@link io.ryegrass.awsapi.CallRecorder}, which keeps
 * the audit log. What does not fit a shape is refused with {@code SerializationException}, what
 * breaks a constraint with the service's own error naming the member; no request may end in an
 * internal failure ({@code HostileRequestsTest}). The protocols are held against Smithy's own cases
 * ({@code ProtocolConformanceTest}: 188 of requests and 152 of answers, all of which hold; those
 * that do not apply stand in a list with their reasons).
 *
 * <p>Called by the HTTP listeners; used by every cloud service to describe itself. Not here: S3
 * (restXml) and event streams. The package keeps no state that a dying process could lose.
 */
@NullMarked
package io.ryegrass.awsapi;

import org.jspecify.annotations.NullMarked;
