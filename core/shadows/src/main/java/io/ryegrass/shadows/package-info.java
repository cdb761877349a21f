/**
 * Device shadows on the core: the component {@code aws.greengrass.ShadowManager}, which is V1's
 * local shadow service ({@code GGShadowService}) and its synchronization ({@code
 * GGShadowSyncManager}) at the same time.
 *
 * <p>Four doors to one store: components by IPC ({@link io.ryegrass.ipc.ShadowsPort}), functions by
 * the service's ARN ({@link io.ryegrass.shadows.ShadowManager#call}), whoever publishes on shadow
 * topics in local pub/sub, and functions and client devices through V1's subscription table. Each
 * change is announced on {@code …/delta}, {@code …/documents} and {@code …/accepted}, each refusal
 * on {@code …/rejected}, in local pub/sub and by the table.
 *
 * <p>The arithmetic of documents is {@link io.ryegrass.model.shadow.ShadowDocument}'s, the cloud's
 * own. With {@code synchronize} in its configuration shadows are kept equal with the cloud's, over
 * HTTPS and two subscriptions for each; without, nothing of that exists.
 *
 * <p>What it does not do: it authorises nobody. IPC checked {@code accessControl}, local pub/sub
 * its policies, the table is the table.
 *
 * <p>When the process dies at any moment: an update that was answered or announced is on disk, one
 * file for each shadow ({@code work/aws.greengrass.ShadowManager/shadows}, decision 040).
 * Announcements of the last instant may be missing; whoever needs the state asks for it when it
 * connects. The synchronization notes after each step how far the cloud was taken in ({@code
 * …/sync}); the next process looks at both sides and goes on from there (decision 050).
 */
@NullMarked
package io.ryegrass.shadows;

import org.jspecify.annotations.NullMarked;
