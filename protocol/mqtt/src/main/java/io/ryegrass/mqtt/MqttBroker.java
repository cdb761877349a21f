package io.ryegrass.mqtt;

import io.netty.handler.ssl.SslContext;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A broker for MQTT 3.1, 3.1.1 and 5.0 inside a host program. Built by {@link #builder()}, running
 * from {@link Builder#start()} to {@link #close()}. All methods may be called from any thread, also
 * from within {@link Interceptor} calls; those that publish may wait for the disk and so do not
 * belong on an event loop.
 */
public final class MqttBroker implements AutoCloseable {
  private final Engine engine;
  private final Listeners listeners;
  private final AtomicBoolean closed = new AtomicBoolean();

  private MqttBroker(Engine engine, Listeners listeners) {
    this.engine = engine;
    this.listeners = listeners;
  }

  public static Builder builder() {
    return new Builder();
  }

  /**
   * The port that a listener is bound to, which matters when 0 was asked.
   *
   * @throws IllegalArgumentException when there is no such listener
   */
  public int port(String listener) {
    return listeners.port(listener);
  }

  /**
   * New connections of this listener use this TLS context; existing ones stay as they are (renewed
   * certificates).
   */
  public void replaceTls(String listener, SslContext context) {
    listeners.replaceTls(listener, context);
  }

  /**
   * From the host program to all matching sessions. Neither authoriser's {@code mayPublish} nor
   * interceptor is asked. When this returns, what is owed to persistent sessions (QoS 1) or
   * retained is on the disk, if there is a data folder.
   *
   * @param qos 0 to 2; no more than {@link Limits#maxQos} is used
   */
  public void publish(String topic, byte[] payload, int qos, boolean retain) {
    publish(topic, payload, qos, retain, MessageProperties.NONE);
  }

  /**
   * As {@link #publish(String, byte[], int, boolean)}, with properties of MQTT 5.
   *
   * @throws MqttBrokerException for a topic or properties that MQTT cannot carry
   */
  public void publish(
      String topic, byte[] payload, int qos, boolean retain, MessageProperties properties) {
    engine.publishFromHost(topic, payload, qos, retain, properties, true);
  }

  /**
   * As {@link #publish(String, byte[], int, boolean)}, but returns before what is owed is on the
   * disk, which it is soon: for messages that tell of what their receivers can ask for again.
   */
  public void publishSoon(String topic, byte[] payload, int qos) {
    engine.publishFromHost(topic, payload, qos, false, MessageProperties.NONE, false);
  }

  /** The retained message of a topic, if there is one. */
  public Optional<RetainedMessage> retained(String topic) {
    return engine.retained().of(topic);
  }

  /**
   * Retained messages in the order of their topics.
   *
   * @param after only topics behind this one; empty for all
   * @param most how many at most
   */
  public List<RetainedMessage> retainedAfter(String after, int most) {
    return engine.retained().after(after, most);
  }

  /**
   * From the host program to this client only, if one of its subscriptions matches; durable as
   * {@link #publish}.
   *
   * @return false when there is no such session, or none of its subscriptions matches, or its queue
   *     is full
   */
  public boolean deliver(String clientId, String topic, byte[] payload, int qos) {
    return engine.deliver(clientId, topic, payload, qos);
  }

  /**
   * Ends the client's connection, if there is one; its will is published. The reason goes to the
   * interceptor and the log.
   */
  public void disconnect(String clientId, String reason) {
    engine.disconnect(clientId, reason);
  }

  public boolean isConnected(String clientId) {
    return engine.isConnected(clientId);
  }

  /**
   * Makes the broker ask the {@link Authoriser} anew instead of using what it said before: policies
   * have changed.
   */
  public void forgetDecisions() {
    engine.access().forgetDecisions();
  }

  public BrokerMetrics metrics() {
    return engine.metrics();
  }

  /** What happens before MQTT: sockets, TLS, WebSocket. */
  public ListenerMetrics listenerMetrics() {
    return listeners.metrics();
  }

  /**
   * Closes listeners and connections (without wills), syncs and closes the store. Takes at most a
   * few seconds.
   */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      listeners.close();
      engine.close();
      listeners.closeLoops();
    }
  }

  /** What a broker is made of. Authenticator and authoriser have no default. */
  public static final class Builder {
    private final List<ListenerSettings> listeners = new ArrayList<>();
    private @Nullable Authenticator authenticator;
    private @Nullable Authoriser authoriser;
    private Interceptor interceptor = Interceptor.none();
    private @Nullable Path dataFolder;
    private Limits limits = Limits.awsIotCore();
    private boolean awsTopicRules;
    private @Nullable String refusedFilter;
    private long compactAfterBytes = 16 << 20;
    private Clock clock = Clock.systemUTC();
    private @Nullable ListenerBounds bounds;
    private int eventLoops = Math.clamp(Runtime.getRuntime().availableProcessors() / 2, 1, 4);

    private Builder() {}

    /**
     * @param name any, for {@link MqttBroker#port}
     * @param address port 0 takes a free one
     * @param tls null for plain MQTT
     */
    public Builder listener(String name, InetSocketAddress address, @Nullable SslContext tls) {
      ListenerSettings plain = ListenerSettings.tcp(name, address);
      return listener(tls == null ? plain : plain.withTls(tls));
    }

    /** Also WebSocket and ALPN. */
    public Builder listener(ListenerSettings settings) {
      listeners.add(settings);
      return this;
    }

    public Builder authenticator(Authenticator value) {
      this.authenticator = value;
      return this;
    }

    /** {@link Authoriser#permitAll} if so meant; there is no default that permits. */
    public Builder authoriser(Authoriser value) {
      this.authoriser = value;
      return this;
    }

    public Builder interceptor(Interceptor value) {
      this.interceptor = value;
      return this;
    }

    /**
     * Sessions and retained messages live there; null keeps them in memory. The folder must belong
     * to this broker alone.
     */
    public Builder dataFolder(@Nullable Path value) {
      this.dataFolder = value;
      return this;
    }

    public Builder limits(Limits value) {
      this.limits = value;
      return this;
    }

    /**
     * AWS IoT Core's variants: {@code a/#} does not match {@code a}; retained messages only go to
     * filters without wildcards that equal the topic; a client id must not begin with {@code $};
     * nothing under {@code $} is retained; the rule prefix does not count for the topic limits.
     */
    public Builder awsTopicRules(boolean value) {
      this.awsTopicRules = value;
      return this;
    }

    /** Subscriptions to exactly this filter get SUBACK 0x80; for interoperability suites. */
    public Builder refusedFilter(String value) {
      this.refusedFilter = value;
      return this;
    }

    public Builder clock(Clock value) {
      this.clock = value;
      return this;
    }

    /** The journal is compacted when it exceeds this; default 16 MiB. */
    public Builder compactAfterBytes(long value) {
      this.compactAfterBytes = value;
      return this;
    }

    /** For tests: other bounds of sockets and handshakes than the limits' own. */
    Builder bounds(ListenerBounds value) {
      this.bounds = value;
      return this;
    }

    /** Threads that read and write sockets; default one for two processors, at most 4. */
    public Builder eventLoops(int value) {
      this.eventLoops = value;
      return this;
    }

    /**
     * Opens the store, binds the listeners.
     *
     * @throws MqttBrokerException when a port is taken or the data folder cannot be used
     */
    public MqttBroker start() {
      Authenticator who = authenticator;
      if (who == null) {
        throw new IllegalStateException(
            "An authenticator is needed; AuthenticationResult.Accepted for all if so meant");
      }
      Authoriser what = authoriser;
      if (what == null) {
        throw new IllegalStateException(
            "An authoriser is needed; Authoriser.permitAll() if everybody may do everything");
      }
      Engine engine = open(who, what);
      Listeners listening = null;
      try {
        ListenerBounds within = bounds == null ? ListenerBounds.of(limits) : bounds;
        listening = new Listeners(listeners, engine, within, eventLoops);
        return new MqttBroker(engine, listening);
      } finally {
        if (listening == null) {
          engine.close();
        }
      }
    }

    private Engine open(Authenticator who, Authoriser what) {
      TopicRules rules = new TopicRules(awsTopicRules, limits, refusedFilter);
      Counters counters = new Counters();
      Path folder = dataFolder;
      if (folder == null) {
        return new Engine(
            who,
            what,
            interceptor,
            rules,
            clock,
            counters,
            new VolatileJournal(),
            new Journal.State(List.of(), List.of(), 1));
      }
      DurableJournal journal =
          new DurableJournal(
              folder, counters.journalFailures, compactAfterBytes, limits.maxJournalBytes());
      return new Engine(
          who, what, interceptor, rules, clock, counters, journal, journal.recovered());
    }
  }
}
