/**
 * The registry of IoT Core: things, types, static and dynamic groups, billing groups, certificates
 * and the customer's own authorities, policies, role aliases, and the question the device gateway
 * asks for every packet: may this certificate do that?
 *
 * <p>{@link io.ryegrass.registry.Registry} is the public face: API operations of service {@code
 * iot} and the few direct calls of the gateway and of the Greengrass services. Shadows, jobs,
 * events and the query language of the fleet index live in packages of their own. The records
 * {@code Device…} are the seam to the gateway: services give routes and topic handlers, the gateway
 * gives the way to publish.
 *
 * <p>{@link io.ryegrass.registry.ProvisioningService} makes things out of devices that hold nothing
 * but a claim certificate; a device with a certificate of a registered authority is registered by
 * its first connection ({@code Registry.findOrRegister}).
 *
 * <p>What it does not do: no MQTT, no HTTP, no indexing of shadows and connectivity, no custom
 * authorisers, no transfer of certificates to other accounts, no domain configurations, no hooks of
 * provisioning templates.
 *
 * <p>Decisions are answered from a cache of parsed policies. A write that concerns one certificate
 * or one thing puts aside what is known of it, any other write to policies, groups or certificates
 * all of it; a revoked certificate is refused from the next packet on.
 *
 * <p>When the process dies: an answered operation is on disk, whole; an unanswered one is there
 * whole or not at all. Caches are rebuilt from the store. Events of a change that was just answered
 * may be lost.
 */
@NullMarked
package io.ryegrass.registry;

import org.jspecify.annotations.NullMarked;
