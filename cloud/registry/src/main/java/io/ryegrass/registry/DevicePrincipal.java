package io.ryegrass.registry;

import java.security.cert.X509Certificate;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A device known by its active certificate, or a caller with credentials of IAM that came in by a
 * device's door.
 *
 * @param certificateId empty for a caller of IAM
 * @param certificate null for a caller of IAM
 * @param thingNames things the certificate is attached to
 */
public record DevicePrincipal(
    String certificateId, @Nullable X509Certificate certificate, Set<String> thingNames) {}
