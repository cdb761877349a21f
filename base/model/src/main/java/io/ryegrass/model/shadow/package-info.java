/**
 * Device shadows without a place to keep them: the arithmetic of one document (merge, metadata,
 * difference, limits), the shapes of the messages about it, and their topics (mqtt-cloud, section
 * 3). The cloud's shadow service and the core's share it, so that both count and merge alike.
 */
@NullMarked
package io.ryegrass.model.shadow;

import org.jspecify.annotations.NullMarked;
