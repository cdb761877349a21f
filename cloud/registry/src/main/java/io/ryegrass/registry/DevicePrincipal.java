package io.ryegrass.registry;

import java.security.cert.X509Certificate;
import java.util.Set;

/**
 * A device known by its active certificate.
 *
 * @param thingNames things the certificate is attached to
 */
public record DevicePrincipal(
    String certificateId, X509Certificate certificate, Set<String> thingNames) {}
