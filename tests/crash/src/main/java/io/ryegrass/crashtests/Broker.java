package io.ryegrass.crashtests;

import java.io.IOException;
import java.nio.file.Path;

/** How a broker is started on a data folder. */
interface Broker {
  /** What {@code --broker} calls it. */
  String name();

  /** Whether a session gets one copy where several of its filters match. */
  boolean oneCopy();

  /** Starts one process; it may not be ready yet. */
  BrokerProcess start(Path data, Path log) throws IOException;

  /** Whether shared subscriptions may be asked for in 3.1.1 as well. */
  boolean sharesFor(Version version);
}
