package io.ryegrass.crashtests.core;

import java.util.Set;

/** What happened to a core, as seen from outside, in order. */
sealed interface CoreEvent {
  record Starting() implements CoreEvent {}

  /**
   * @param identity what the core says that it is
   * @param files digest of its configuration file, certificate and key
   */
  record Ready(String identity, String files) implements CoreEvent {}

  /** It ended by itself, or did not become ready in time. */
  record NotReady(String why) implements CoreEvent {}

  record Killed(String moment) implements CoreEvent {}

  /** Recorded before the request leaves. */
  record Asked(Plan plan) implements CoreEvent {}

  /** The core answered with the deployment's id. */
  record Acknowledged(int plan, String id) implements CoreEvent {}

  /** The core refused it. */
  record Refused(int plan, String why) implements CoreEvent {}

  /** The request to cancel it has been answered. */
  record Cancelling(String id) implements CoreEvent {}

  /** The deployments that the core knows. */
  record Listed(Set<String> ids) implements CoreEvent {}

  /** Recorded before the request leaves. */
  record Updating(String component, String key, String value) implements CoreEvent {}

  record Updated(String component, String key, String value) implements CoreEvent {}

  record Ended(String id, String status, String detailed, String cause) implements CoreEvent {}

  /** It had not ended at its deadline. */
  record NotEnded(String id, String status) implements CoreEvent {}

  /** The core is at rest, and this is what is there. */
  record Rest(Seen seen) implements CoreEvent {}
}
