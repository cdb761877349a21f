/**
 * {@code aws.greengrass.SecretManager}: secrets of the cloud's Secrets Manager on the core
 * (catalogue SEC and SCM rows), which is V1's {@code GGSecretManager} as well.
 *
 * <p>A deployment with the component fetches each configured secret with the core's role before it
 * changes anything, and fails with the cloud's reason when it gets none; what is held already stays
 * then. Components read values by IPC ({@code GetSecretValue}), functions by the Core SDK. Both get
 * what their own {@code accessControl} allows: in a V1 group the secret resources that are attached
 * to the function.
 *
 * <p>What it does not do: it asks the cloud for nothing between deployments, unless {@code
 * periodicRefreshIntervalMin} or a caller's {@code refresh} says so (SEC-06); it logs no value and
 * no use of one (SEC-17).
 *
 * <p>At rest values are in one file of the core, {@code secrets/secrets.json}, sealed by
 * AES-256-GCM under a data key that is new with each write; the data key is sealed by a key derived
 * from the core's private key (docs/decisions/041). The file is replaced as a whole, so that after
 * a crash at any moment the old values or the new ones are there. In memory, too, values are sealed
 * until somebody asks.
 */
@NullMarked
package io.ryegrass.secretmanager;

import org.jspecify.annotations.NullMarked;
