/**
 * {@code ./ryegrass bench groups}: a large group of Greengrass V1 from the first call of the API to
 * the core that runs it, and one small change of it, with whole programs and from outside.
 *
 * <p>{@link io.ryegrass.bench.groups.GroupsBenchMain} runs the cases. {@link
 * io.ryegrass.bench.groups.LargeGroup} is the group: its definitions as JSON, and the Lambda
 * functions that they name. What was deployed is checked, not only timed: the functions are among
 * the core's components, messages go the changed way and no other, and no process of the core was
 * started anew. What the figures are measured against stands in docs/bench-groups.md.
 */
@NullMarked
package io.ryegrass.bench.groups;

import org.jspecify.annotations.NullMarked;
