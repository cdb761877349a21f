/**
 * Who calls the cloud and what they may do: access keys, users, roles, temporary credentials, and
 * the certificate authorities that sign devices and servers.
 *
 * <p>{@link io.ryegrass.identity.IdentityService} is the source of access keys for signature
 * checks, serves IAM and STS as far as the tutorials of Greengrass, the AWS CLI and scripts use
 * them, and decides each API call: the root key may do everything, users, groups and roles what
 * their policies, permissions boundaries and session policies say ({@code Decider}). {@link
 * io.ryegrass.identity.CertificateAuthority} issues certificates; it knows nothing of things and
 * policies and does not remember what it signed.
 *
 * <p>What it does not do: no console passwords, MFA devices, SSH keys or signing certificates, no
 * identity providers (SAML and web identities are refused, because there are none); instance
 * profiles are kept and give nobody a role; managed policies of AWS are our own documents under
 * their names. Sessions of GetSessionToken may call IAM. One account.
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
