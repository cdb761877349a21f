/**
 * {@code aws.greengrass.DockerApplicationManager}: container images as artifacts ({@code docker:},
 * v2-deployments.md section 9, catalogue DOC-03, DOC-10 … DOC-12).
 *
 * <p>Talks to the engine of the device by its own API, over its Unix socket or where {@code
 * DOCKER_HOST} points, so no command line is needed and Podman's service does as well (LESSON-39).
 * An image is pulled when it is not there; one with a tag other than {@code latest} or with a
 * digest that is there is not asked for again. Images that nothing names any more are removed, but
 * only those that this core itself has brought.
 *
 * <p>What it does not do: it runs no containers (components do, by their own scripts), and knows no
 * credential helpers: logins come from the engine's {@code config.json} of the core's user, or for
 * private registries of Amazon ECR from the credentials of the core's role.
 *
 * <p>When the process dies at any moment: {@code packages/images.json} names an image before its
 * pull begins, so that one that came to be unneeded meanwhile is removed later; the engine itself
 * keeps the layers of a pull that was cut off and goes on with them.
 */
@NullMarked
package io.ryegrass.docker;

import org.jspecify.annotations.NullMarked;
