/**
 * Configuration: who the core is ({@code config.yaml}), the generations on disk, and the values of
 * each component with the time each was set.
 *
 * <p>A generation is written whole and fsynced before the pointer to the current one is replaced;
 * runtime changes go to a log below the generation's folder and are durable before the caller is
 * answered. Nothing here starts a component or talks to the cloud.
 *
 * <p>When the process dies, the pointer names a complete generation: the old or the new one. A
 * change that was answered is in the log; a torn last record was never answered and is cut off.
 */
@NullMarked
package io.ryegrass.nucleus.config;

import org.jspecify.annotations.NullMarked;
