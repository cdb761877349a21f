package io.ryegrass.identity;

import java.time.Instant;

/**
 * A role.
 *
 * @param trustPolicy JSON text: who may assume it
 */
public record Role(
    String name, String id, String arn, String path, String trustPolicy, Instant created) {}
