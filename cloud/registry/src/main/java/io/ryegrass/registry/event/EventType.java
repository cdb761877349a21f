package io.ryegrass.registry.event;

/** Kinds of events that are switched on and off; the names are those of the API's model. */
public enum EventType {
  THING,
  THING_GROUP,
  THING_TYPE,
  THING_GROUP_MEMBERSHIP,
  THING_GROUP_HIERARCHY,
  THING_TYPE_ASSOCIATION,
  JOB,
  JOB_EXECUTION,
  POLICY,
  CERTIFICATE,
  CA_CERTIFICATE
}
