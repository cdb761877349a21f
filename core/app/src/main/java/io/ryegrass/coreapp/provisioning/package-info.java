/**
 * A core that starts without identity and is told how to get one: by a claim certificate (PRV-09)
 * or by a plugin, which is a program of its own (PRV-20 … PRV-23, decision 016).
 *
 * <p>The core runs meanwhile: components, local deployments and logs do not wait for it
 * (LESSON-13). When there is an identity, {@code config/config.yaml} gets it in one step and the
 * core starts anew to join its cloud. Nothing of this is loaded by a core that has an identity, or
 * that is told nothing.
 *
 * <p>When the process dies at any moment: what the cloud gave is on the disk before it is used
 * ({@code provisioning/claim.json}, for the owner only), so the next start goes on with the same
 * certificate; one that cannot be used any more is given up and another asked for. {@code
 * config.yaml} names an identity only when all of its files are there.
 */
@NullMarked
package io.ryegrass.coreapp.provisioning;

import org.jspecify.annotations.NullMarked;
