package io.ryegrass.cloudlink;

import com.hivemq.client.mqtt.MqttClient;
import com.hivemq.client.mqtt.MqttClientSslConfig;
import com.hivemq.client.mqtt.MqttGlobalPublishFilter;
import com.hivemq.client.mqtt.datatypes.MqttQos;
import com.hivemq.client.mqtt.datatypes.MqttTopicFilter;
import com.hivemq.client.mqtt.lifecycle.MqttDisconnectSource;
import com.hivemq.client.mqtt.mqtt3.Mqtt3AsyncClient;
import com.hivemq.client.mqtt.mqtt3.exceptions.Mqtt3ConnAckException;
import com.hivemq.client.mqtt.mqtt3.exceptions.Mqtt3SubAckException;
import com.hivemq.client.mqtt.mqtt3.message.publish.Mqtt3Publish;
import com.hivemq.client.mqtt.mqtt3.message.subscribe.Mqtt3Subscribe;
import com.hivemq.client.mqtt.mqtt3.message.subscribe.Mqtt3Subscription;
import com.hivemq.client.mqtt.mqtt3.message.subscribe.suback.Mqtt3SubAck;
import com.hivemq.client.mqtt.mqtt3.message.unsubscribe.Mqtt3Unsubscribe;
import io.ryegrass.nucleus.CloudUnavailableException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One MQTT connection, kept for as long as it is open (LESSON-06, LESSON-08): a thread of its own
 * connects, tells the listener, waits for the loss, waits by the back-off, connects again. Its life
 * cycle is the table of {@link LinkState}.
 *
 * <p>Nothing is queued here: a publish on a connection that is down fails at once, and what was not
 * acknowledged when the connection was lost fails then. Who must not lose a message keeps it until
 * its acknowledgement (the spool does).
 *
 * <p>Each attempt uses a fresh client, so no state of an old connection can leak into a new one.
 * MQTT 3.1.1; this class is the only one that knows the client library.
 */
final class MqttConnection implements AutoCloseable {
  /** Filters in one SUBSCRIBE packet, AWS IoT Core's limit. */
  private static final int FILTERS_PER_PACKET = 8;

  private static final Duration CONNECT_DEADLINE = Duration.ofSeconds(15);

  /** A connection that lived this long ends the series of failures before it. */
  private static final Duration STABLE = Duration.ofSeconds(10);

  private static final Duration LOG_REPEAT = Duration.ofMinutes(10);

  private static final Logger LOG = LoggerFactory.getLogger(MqttConnection.class);

  /**
   * Told on the connection's threads: {@code connected} and {@code lost} by the supervisor,
   * messages one at a time.
   */
  interface Listener {
    /** May block and throw; a throw drops the connection, which then is tried again. */
    void connected(boolean sessionPresent) throws Exception;

    /**
     * @param byServer whether the other side ended it
     */
    void lost(boolean byServer);

    /**
     * @param acknowledge to be called once, by any thread; what was not acknowledged when the
     *     connection ends is sent again by the cloud. A throw acknowledges.
     */
    void message(String topic, byte[] payload, int qos, Runnable acknowledge);
  }

  private record Live(Mqtt3AsyncClient client, long generation, CompletableFuture<Loss> lost) {}

  private record Loss(String reason, boolean byServer) {}

  private final LinkSettings settings;
  private final CoreTls tls;
  private final String clientId;
  private final boolean cleanSession;
  private final Listener listener;
  private final BackOff backOff = BackOff.forConnections();
  private final ExecutorService messages;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final LongAdder attempts = new LongAdder();

  private LinkState state = LinkState.IDLE; // lock
  private boolean nudged; // lock
  private volatile @Nullable Live live;
  private volatile long generation;
  private volatile long lastAnswerNanos = System.nanoTime();
  private volatile long connectedNanos;
  private long lastFailureLoggedNanos;
  private String lastFailure = "";
  private @Nullable Thread supervisor; // lock

  MqttConnection(
      LinkSettings settings,
      CoreTls tls,
      String clientId,
      boolean cleanSession,
      Listener listener) {
    this.settings = settings;
    this.tls = tls;
    this.clientId = clientId;
    this.cleanSession = cleanSession;
    this.listener = listener;
    this.messages =
        Executors.newSingleThreadExecutor(Thread.ofVirtual().name("mqtt-in-" + clientId).factory());
  }

  String clientId() {
    return clientId;
  }

  void start() {
    lock.lock();
    try {
      if (state == LinkState.IDLE) {
        move(LinkState.Event.START);
        supervisor = Thread.ofVirtual().name("mqtt-" + clientId).start(this::supervise);
      }
    } finally {
      lock.unlock();
    }
  }

  boolean connected() {
    return live != null;
  }

  /** Grows by one with each connection that was accepted. */
  long generation() {
    return generation;
  }

  long attempts() {
    return attempts.sum();
  }

  /** Time since the cloud last answered anything. */
  Duration sinceLastAnswer() {
    return Duration.ofNanos(System.nanoTime() - lastAnswerNanos);
  }

  /** Somebody else got through to the cloud: do not wait for the back-off. */
  void nudge() {
    lock.lock();
    try {
      nudged = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Ends the present connection; the supervisor makes a new one. */
  void reset(String reason) {
    Live l = live;
    if (l != null) {
      end(l, reason);
    }
  }

  /**
   * Completes with the acknowledgement (QoS 1) or when written (QoS 0); fails with
   * CloudUnavailableException.
   */
  CompletableFuture<Void> publish(String topic, byte[] payload, int qos) {
    Live l = live;
    if (l == null) {
      return CompletableFuture.failedFuture(notConnected());
    }
    return l.client()
        .publish(
            Mqtt3Publish.builder()
                .topic(topic)
                .qos(qos == 0 ? MqttQos.AT_MOST_ONCE : MqttQos.AT_LEAST_ONCE)
                .payload(payload)
                .build())
        .thenAccept(
            p -> {
              if (qos > 0) {
                answered();
              }
            });
  }

  /**
   * Subscribes, at most eight filters in a packet.
   *
   * @return the filters that were refused
   */
  List<String> subscribe(List<Filter> filters) throws InterruptedException {
    List<String> refused = new ArrayList<>();
    for (int from = 0; from < filters.size(); from += FILTERS_PER_PACKET) {
      List<Filter> part =
          filters.subList(from, Math.min(filters.size(), from + FILTERS_PER_PACKET));
      List<Mqtt3Subscription> subscriptions = new ArrayList<>();
      for (Filter f : part) {
        subscriptions.add(
            Mqtt3Subscription.builder()
                .topicFilter(f.filter())
                .qos(f.qos() == 0 ? MqttQos.AT_MOST_ONCE : MqttQos.AT_LEAST_ONCE)
                .build());
      }
      Live l = live;
      if (l == null) {
        throw notConnected();
      }
      Mqtt3SubAck ack;
      try {
        ack =
            l.client()
                .subscribe(Mqtt3Subscribe.builder().addSubscriptions(subscriptions).build())
                .get(settings.operationTimeout().toMillis(), TimeUnit.MILLISECONDS);
      } catch (ExecutionException e) {
        if (!(e.getCause() instanceof Mqtt3SubAckException refusal)) {
          throw new CloudUnavailableException(
              "The cloud did not answer a subscription.", e.getCause());
        }
        ack = refusal.getMqttMessage();
      } catch (TimeoutException e) {
        throw new CloudUnavailableException("The cloud did not answer a subscription in time.", e);
      }
      answered();
      for (int i = 0; i < part.size(); i++) {
        if (ack.getReturnCodes().get(i).isError()) {
          refused.add(part.get(i).filter());
        }
      }
    }
    return refused;
  }

  /** Returns when the cloud has confirmed that the subscriptions are ended. */
  void unsubscribe(List<String> filters) throws InterruptedException {
    for (int from = 0; from < filters.size(); from += FILTERS_PER_PACKET) {
      Live l = live;
      if (l == null) {
        throw notConnected();
      }
      try {
        var unused =
            l.client()
                .unsubscribe(
                    Mqtt3Unsubscribe.builder()
                        .addTopicFilters(
                            filters
                                .subList(from, Math.min(filters.size(), from + FILTERS_PER_PACKET))
                                .stream()
                                .map(MqttTopicFilter::of))
                        .build())
                .get(settings.operationTimeout().toMillis(), TimeUnit.MILLISECONDS);
      } catch (ExecutionException e) {
        throw new CloudUnavailableException(
            "The cloud did not answer the end of a subscription.", e.getCause());
      } catch (TimeoutException e) {
        throw new CloudUnavailableException(
            "The cloud did not answer the end of a subscription in time.", e);
      }
      answered();
    }
  }

  /**
   * Without waiting and as well as it goes: for clean sessions, whose subscriptions end with their
   * connection at the latest.
   */
  void leave(List<String> filters) {
    Live l = live;
    if (l != null) {
      var unused =
          l.client()
              .unsubscribe(
                  Mqtt3Unsubscribe.builder()
                      .addTopicFilters(filters.stream().map(MqttTopicFilter::of))
                      .build());
    }
  }

  record Filter(String filter, int qos) {}

  private void supervise() {
    try {
      while (true) {
        LinkState now = state();
        switch (now) {
          case CONNECTING -> connect();
          case CONNECTED -> awaitLoss();
          case WAITING -> awaitTurn();
          case IDLE, CLOSED -> {
            return;
          }
        }
      }
    } catch (InterruptedException e) {
      // only close() interrupts
      Thread.currentThread().interrupt();
    }
  }

  private void connect() throws InterruptedException {
    attempts.increment();
    CompletableFuture<Loss> lost = new CompletableFuture<>();
    Mqtt3AsyncClient client = null;
    try {
      client = build(lost);
      boolean present =
          client
              .connectWith()
              .cleanSession(cleanSession)
              .keepAlive((int) settings.keepAlive().toSeconds())
              .send()
              .get(CONNECT_DEADLINE.toMillis(), TimeUnit.MILLISECONDS)
              .isSessionPresent();
      Live l = new Live(client, generation + 1, lost);
      generation = l.generation();
      live = l;
      connectedNanos = System.nanoTime();
      answered();
      move(LinkState.Event.ACCEPTED);
      LOG.info("Connected to {}:{} as {}", settings.dataHost(), settings.mqttPort(), clientId);
      lastFailure = "";
      try {
        listener.connected(present);
      } catch (InterruptedException e) {
        throw e;
      } catch (Exception e) {
        end(l, "could not be set up: " + e.getMessage());
      }
    } catch (InterruptedException e) {
      if (client != null) {
        drop(client);
      }
      throw e;
    } catch (ExecutionException | TimeoutException | CancellationException e) {
      if (client != null) {
        drop(client);
      }
      move(LinkState.Event.REFUSED);
      logFailure(explain(e));
    }
  }

  private Mqtt3AsyncClient build(CompletableFuture<Loss> lost) {
    Mqtt3AsyncClient client =
        MqttClient.builder()
            .useMqttVersion3()
            .identifier(clientId)
            .executorConfig()
            .nettyThreads(1)
            .applyExecutorConfig()
            .transportConfig()
            .serverHost(settings.dataHost())
            .serverPort(settings.mqttPort())
            .socketConnectTimeout(10, TimeUnit.SECONDS)
            .mqttConnectTimeout(10, TimeUnit.SECONDS)
            .sslConfig(
                MqttClientSslConfig.builder()
                    .keyManagerFactory(tls.keys())
                    .trustManagerFactory(tls.trust())
                    .handshakeTimeout(10, TimeUnit.SECONDS)
                    .build())
            .applyTransportConfig()
            .addDisconnectedListener(
                c ->
                    lost.complete(
                        new Loss(
                            String.valueOf(c.getCause().getMessage()),
                            c.getSource() == MqttDisconnectSource.SERVER)))
            .buildAsync();
    client.publishes(
        MqttGlobalPublishFilter.ALL,
        p -> {
          answered();
          AtomicBoolean acknowledged = new AtomicBoolean();
          Runnable acknowledge =
              () -> {
                if (acknowledged.compareAndSet(false, true)) {
                  p.acknowledge();
                }
              };
          try {
            listener.message(
                p.getTopic().toString(), p.getPayloadAsBytes(), p.getQos().getCode(), acknowledge);
          } catch (RuntimeException e) {
            // one bad message must not end the flow of the others
            LOG.warn("A message of the cloud on {} was dropped: {}", p.getTopic(), e.toString());
            acknowledge.run();
          }
        },
        this::deliver,
        true);
    return client;
  }

  /** Runs a task between the messages, on their thread; after the close it is left out. */
  void betweenMessages(Runnable task) {
    deliver(task);
  }

  private void deliver(Runnable message) {
    try {
      messages.execute(message);
    } catch (RejectedExecutionException e) {
      // not acknowledged, so QoS 1 comes again
      LOG.trace("A message came after the close of {}", clientId);
    }
  }

  private void awaitLoss() throws InterruptedException {
    Live l = live;
    if (l == null) {
      move(LinkState.Event.LOST);
      return;
    }
    Loss loss;
    try {
      loss = l.lost().get();
    } catch (ExecutionException e) {
      loss = new Loss(String.valueOf(e.getMessage()), false);
    }
    live = null;
    move(LinkState.Event.LOST);
    if (System.nanoTime() - connectedNanos > STABLE.toNanos()) {
      backOff.reset();
    }
    if (state() != LinkState.CLOSED) {
      LOG.info("Connection {} lost: {}", clientId, loss.reason());
    }
    listener.lost(loss.byServer());
  }

  private void awaitTurn() throws InterruptedException {
    long left = backOff.next().toNanos();
    lock.lock();
    try {
      nudged = false;
      while (state == LinkState.WAITING && !nudged && left > 0) {
        left = changed.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
    move(LinkState.Event.DUE);
  }

  private void end(Live l, String reason) {
    l.lost().complete(new Loss(reason, false));
    drop(l.client());
  }

  private static void drop(Mqtt3AsyncClient client) {
    var unused = client.disconnect().exceptionally(e -> null);
  }

  private void answered() {
    lastAnswerNanos = System.nanoTime();
  }

  private CloudUnavailableException notConnected() {
    return new CloudUnavailableException(
        "No connection "
            + clientId
            + " to "
            + settings.dataHost()
            + ":"
            + settings.mqttPort()
            + " at the moment.");
  }

  private String explain(Exception e) {
    Throwable cause = e instanceof ExecutionException && e.getCause() != null ? e.getCause() : e;
    if (cause instanceof Mqtt3ConnAckException refused) {
      return "the cloud refused the connection ("
          + refused.getMqttMessage().getReturnCode()
          + "); check that the certificate is ACTIVE and that its policy allows iot:Connect for the client id "
          + clientId;
    }
    if (cause instanceof TimeoutException) {
      return "no answer in " + CONNECT_DEADLINE.toSeconds() + " s";
    }
    Throwable root = cause;
    while (root.getCause() != null && root.getCause() != root) {
      root = root.getCause();
    }
    return String.valueOf(root.getMessage() == null ? root : root.getMessage());
  }

  /**
   * One line for a new reason, then one in ten minutes: an outage of days must not fill the log
   * (LESSON-18).
   */
  private void logFailure(String reason) {
    long now = System.nanoTime();
    if (!reason.equals(lastFailure) || now - lastFailureLoggedNanos > LOG_REPEAT.toNanos()) {
      LOG.warn(
          "Cannot connect to {}:{} as {} (attempt {}), trying on: {}",
          settings.dataHost(),
          settings.mqttPort(),
          clientId,
          attempts.sum(),
          reason);
      lastFailure = reason;
      lastFailureLoggedNanos = now;
    }
  }

  private LinkState state() {
    lock.lock();
    try {
      return state;
    } finally {
      lock.unlock();
    }
  }

  private void move(LinkState.Event event) {
    lock.lock();
    try {
      state = state.on(event);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Ends the connection with DISCONNECT; returns within two seconds. */
  @Override
  public void close() {
    move(LinkState.Event.CLOSE);
    Live l = live;
    if (l != null) {
      try {
        l.client().disconnect().get(1, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (ExecutionException | TimeoutException e) {
        LOG.debug("Connection {} did not end orderly: {}", clientId, e.toString());
      }
      l.lost().complete(new Loss("closed", false));
    }
    Thread t = supervisor;
    if (t != null) {
      t.interrupt();
    }
    messages.shutdown();
  }
}
