/**
 * AWS Signature Version 4, both ends of it: {@link io.ryegrass.awssignature.SigV4Signer} signs a
 * request or makes a presigned URL, {@link io.ryegrass.awssignature.SigV4Verifier} checks one.
 *
 * <p>It works on the parts of an HTTP message ({@link io.ryegrass.awssignature.HttpRequestToSign}),
 * never on a socket, and depends on nothing but the JDK. The cloud verifies with it, the core and
 * the command line sign with it. The AWS SDK's own signer is the oracle of the tests.
 *
 * <p>Two path rules exist and the service name of the credential scope decides: S3 signs the path
 * as it stands on the wire; all others normalise it and percent-encode the already encoded path
 * once more.
 *
 * <p>Not here: who the caller is and what it may do (that is the identity module, reached through
 * {@link io.ryegrass.awssignature.AccessKeySource}), Signature Version 2, SigV4a, and the per-chunk
 * signatures of {@code STREAMING-AWS4-HMAC-SHA256-PAYLOAD} bodies: for those only the seed
 * signature, which covers the headers, is checked.
 *
 * <p>The package keeps no state; nothing is lost when the process dies.
 */
@NullMarked
package io.ryegrass.awssignature;

import org.jspecify.annotations.NullMarked;
