package io.ryegrass.ipc;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What {@code aws.greengrass.ShadowManager} offers to IPC (v2-ipc.md §7.8). Policies are checked
 * before it is asked; the local topics of a shadow are published by the component itself.
 *
 * <p>Errors are {@link io.ryegrass.nucleus.NucleusException} with the codes INVALID_ARGUMENTS,
 * RESOURCE_NOT_FOUND, CONFLICT, UNAUTHORIZED; any other code is a ServiceError.
 *
 * <p>In all calls {@code shadow} is empty for the classic shadow.
 */
public interface ShadowsPort {
  /** The shadow's document. */
  byte[] get(String thing, String shadow);

  /** Merges a request document; returns the accepted one. */
  byte[] update(String thing, String shadow, byte[] document);

  /** Returns the payload of the answer, which is empty. */
  byte[] delete(String thing, String shadow);

  /**
   * Names of a thing's named shadows.
   *
   * @param pageSize 1 to 100
   */
  Page list(String thing, @Nullable String nextToken, int pageSize);

  /** One page; the last one has no token. */
  record Page(List<String> names, Instant timestamp, @Nullable String nextToken) {}
}
