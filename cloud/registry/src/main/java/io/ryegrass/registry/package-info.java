/**
 * The registry of IoT Core: things, types, groups, certificates, policies, role aliases, and the
 * question the device gateway asks for every packet: may this certificate do that?
 *
 * <p>{@link io.ryegrass.registry.Registry} is the public face: API operations of service {@code
 * iot} and the few direct calls of the gateway and of the Greengrass services. Shadows and jobs
 * live in packages of their own. The records {@code Device…} are the seam to the gateway: services
 * give routes and topic handlers, the gateway gives the way to publish.
 *
 * <p>{@link io.ryegrass.registry.ProvisioningService} makes things out of devices that hold nothing
 * but a claim certificate.
 *
 * <p>What it does not do: no MQTT, no HTTP, no fleet indexing, no billing groups, no dynamic
 * groups, no custom authorisers, no hooks of provisioning templates.
 *
 * <p>Decisions are answered from a cache of parsed policies that every write to certificates,
 * policies, groups or attachments throws away whole; a revoked certificate is refused from the next
 * packet on.
 *
 * <p>When the process dies: an answered operation is on disk, whole; an unanswered one is there
 * whole or not at all. Caches are rebuilt from the store.
 */
@NullMarked
package io.ryegrass.registry;

import org.jspecify.annotations.NullMarked;
