package io.ryegrass.events;

import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/**
 * Something that happened, without its envelope (id, time, account, region are the sink's).
 *
 * @param source {@link #GREENGRASS} for events that AWS documents, {@link #RYEGRASS} for our own
 * @param detailType for example {@code Greengrass Deployment Status Change}
 * @param resources ARNs; empty for V1's events (NTF-02)
 */
public record Event(String source, String detailType, List<String> resources, ObjectNode detail) {
  /** Source of what the guides describe. */
  public static final String GREENGRASS = "aws.greengrass";

  /** Source of events that only this cloud has. */
  public static final String RYEGRASS = "io.ryegrass";

  public Event {
    resources = List.copyOf(resources);
  }

  /** An event of source {@link #GREENGRASS}. */
  public static Event greengrass(String detailType, List<String> resources, ObjectNode detail) {
    return new Event(GREENGRASS, detailType, resources, detail);
  }
}
