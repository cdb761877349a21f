/**
 * Who calls the cloud and what they may do: access keys, users, roles, temporary credentials, and
 * the certificate authorities that sign devices and servers.
 *
 * <p>{@link io.ryegrass.identity.IdentityService} is the source of access keys for signature
 * checks, serves the parts of IAM and STS that Greengrass tutorials use, and decides each API call:
 * the root key may do everything, users and roles what their policies say. {@link
 * io.ryegrass.identity.CertificateAuthority} issues certificates; it knows nothing of things and
 * policies and does not remember what it signed.
 *
 * <p>What it does not do: no groups of users, no permission boundaries, no federation, no console
 * passwords; instance profiles do not exist. One account.
 *
 * <p>Secrets of access keys must be readable to check signatures. In the database they stand
 * encrypted (AES-256-GCM, bound to their key id) under a key of the file {@code identity.key}
 * beside it (mode 0600): a stolen database alone signs nothing. Whoever loses that file loses the
 * access keys, not the devices.
 *
 * <p>Who calls it: the API engine, the object store, the device gateway (credentials for role
 * aliases), the registry (device certificates) and the groups (group authorities).
 *
 * <p>When the process dies: a key or role that was answered is on disk; a certificate authority's
 * folder holds either no authority or a whole one.
 */
@NullMarked
package io.ryegrass.identity;

import org.jspecify.annotations.NullMarked;
