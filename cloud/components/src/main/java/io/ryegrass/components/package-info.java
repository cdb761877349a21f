/**
 * Components, deployments and core devices: the greengrassv2 control plane and the data plane that
 * devices call with their certificates.
 *
 * <p>{@link io.ryegrass.components.ComponentsService} is the face. It gives the API engine its
 * operations, the device gateway its HTTPS routes and the handler of fleet status messages, and the
 * V1 API a way to send a compiled group to one core ({@code deployGroup}).
 *
 * <p>A deployment to a thing goes out as the thing's shadow {@code
 * AWSManagedGreengrassV2Deployment}, one to a thing group as a continuous IoT job in the namespace
 * {@code aws-gg-deployment}; what comes back (reported shadow, job executions, fleet status)
 * becomes the state of effective deployments.
 *
 * <p>All state is in the cloud's SQL store. A request changes it in one transaction, together with
 * the shadow or job that carries the deployment, so that after a crash either both are there or
 * neither. Artifacts that belong to the service lie in a bucket of its own; recipes name users'
 * buckets.
 *
 * <p>A document that outgrows its shadow or job goes as an outline; the device asks for the whole
 * with GetDeploymentConfiguration.
 *
 * <p>Rollout, abort and timeout settings of a deployment go with its job and are the job's
 * business. What cannot be met together with another target's deployment is found at creation and
 * told (decision 031). The state of the fleet is what cores report and who is connected (decision
 * 032).
 *
 * <p>Not here: discovery.
 */
@NullMarked
package io.ryegrass.components;

import org.jspecify.annotations.NullMarked;
