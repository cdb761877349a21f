/**
 * One evaluator for policy documents, and one for the access control of IPC.
 *
 * <p>{@link io.ryegrass.policy.PolicyEvaluator} decides IAM and IoT policies: statements of Effect,
 * Action, Resource and Condition with wildcards, variables and escapes. The default is to deny, an
 * explicit Deny wins over every Allow, and what is not understood never opens a door: an unknown
 * condition operator makes an Allow not match and a Deny match.
 *
 * <p>{@link io.ryegrass.policy.AccessControl} decides {@code accessControl} blocks of component
 * configurations; these know no Deny and two styles of resource matching.
 *
 * <p>What it does not do: it does not know who is attached to which policy, fetches nothing, caches
 * nothing and logs nothing. Everything here is immutable and may be used by any thread.
 *
 * <p>Who calls it: the cloud's identity service (IAM), its registry (IoT policies of certificates
 * and thing groups), the nucleus (IPC) and the access control of client devices.
 *
 * <p>When the process dies nothing is lost: there is no state.
 */
@NullMarked
package io.ryegrass.policy;

import org.jspecify.annotations.NullMarked;
