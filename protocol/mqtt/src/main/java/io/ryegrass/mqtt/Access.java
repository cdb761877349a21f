package io.ryegrass.mqtt;

import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who may do what: the {@link Authoriser}'s answers, remembered per client and topic. One that
 * fails refuses.
 */
final class Access {
  private static final Logger LOG = LoggerFactory.getLogger(Access.class);

  private final Authoriser authoriser;
  private final Limits limits;
  private final AtomicLong epoch = new AtomicLong();

  Access(Authoriser authoriser, Limits limits) {
    this.authoriser = authoriser;
    this.limits = limits;
  }

  /** Changes when decisions are to be made anew. */
  long epoch() {
    return epoch.get();
  }

  /** Whether the authoriser never blocks. */
  boolean isImmediate() {
    return authoriser.isImmediate();
  }

  /** Forgets what the authoriser has said. */
  void forgetDecisions() {
    epoch.incrementAndGet();
  }

  long until() {
    return System.nanoTime() + limits.decisionLifetime().toNanos();
  }

  boolean mayPublish(Client client, String topic, boolean retain) {
    long at = epoch.get();
    Boolean known = client.decisions().publish(topic, retain, at, System.nanoTime());
    if (known != null) {
      return known;
    }
    try {
      boolean may = authoriser.mayPublish(client.session(), topic, retain);
      client.decisions().publishDecided(topic, retain, may, at, until());
      return may;
    } catch (RuntimeException e) {
      LOG.warn("The authoriser failed for a publish of client {}; refused", client.id(), e);
      return false;
    }
  }

  boolean mayReceive(Client client, String topic) {
    long at = epoch.get();
    Boolean known = client.decisions().receive(topic, at, System.nanoTime());
    if (known != null) {
      return known;
    }
    try {
      boolean may = authoriser.mayReceive(client.session(), topic);
      client.decisions().receiveDecided(topic, may, at, until());
      return may;
    } catch (RuntimeException e) {
      LOG.warn("The authoriser failed for a delivery to client {}; refused", client.id(), e);
      return false;
    }
  }

  /** Null when it may, else the reason code. */
  @Nullable Integer maySubscribe(Client client, String filter) {
    try {
      return authoriser.maySubscribe(client.session(), filter)
          ? null
          : Integer.valueOf(ReasonCode.NOT_AUTHORIZED);
    } catch (RuntimeException e) {
      LOG.warn("The authoriser failed for a subscribe of client {}; refused", client.id(), e);
      return ReasonCode.UNSPECIFIED_ERROR;
    }
  }
}
