package io.ryegrass.cloudlink;

import io.ryegrass.mqtt.MessageProperties;
import io.ryegrass.mqtt.MqttClient;
import io.ryegrass.mqtt.MqttClientException;
import io.ryegrass.mqtt.MqttClientOptions;
import io.ryegrass.mqtt.MqttMessage;
import io.ryegrass.nucleus.CloudUnavailableException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;
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
 */
final class MqttConnection implements AutoCloseable {
  /** Filters in one SUBSCRIBE packet, AWS IoT Core's limit. */
  private static final int FILTERS_PER_PACKET = 8;

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
    void message(MqttMessage message, Runnable acknowledge);
  }

  private record Live(MqttClient client, long generation, CompletableFuture<Loss> lost) {}

  private record Loss(String reason, boolean byServer) {}

  private final LinkSettings settings;
  private final MqttNetwork network;
  private final String clientId;
  private final boolean cleanSession;
  private final Listener listener;
  private final BackOff backOff; // supervisor
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
      MqttNetwork network,
      String clientId,
      boolean cleanSession,
      Listener listener) {
    this.settings = settings;
    this.network = network;
    this.backOff =
        new BackOff(
            settings.mqtt().firstDelay(),
            settings.mqtt().lastDelay(),
            RandomGenerator.getDefault());
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

  /** How many messages of QoS 1 the cloud takes without having acknowledged them. */
  int window() {
    Live l = live;
    return l == null ? 1 : l.client().grants().receiveMaximum();
  }

  /** {@link #publish(MqttMessage)} without anything beside the payload. */
  CompletableFuture<Void> publish(String topic, byte[] payload, int qos) {
    return publish(new MqttMessage(topic, payload, qos, false, MessageProperties.NONE));
  }

  /**
   * Completes with the acknowledgement (QoS 1) or when written (QoS 0); fails with
   * CloudUnavailableException or {@link MqttClientException}.
   */
  CompletableFuture<Void> publish(MqttMessage message) {
    Live l = live;
    if (l == null) {
      return CompletableFuture.failedFuture(notConnected());
    }
    return l.client()
        .publish(message)
        .thenAccept(
            code -> {
              if (message.qos() > 0) {
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
      MqttClient.Answer answer =
          answer(
              client()
                  .subscribe(
                      part.stream().map(f -> new MqttClient.Filter(f.filter(), f.qos())).toList()));
      for (int i = 0; i < part.size(); i++) {
        if (answer.codes().get(i) >= 0x80) {
          refused.add(part.get(i).filter());
        }
      }
    }
    return refused;
  }

  /** Returns when the cloud has confirmed that the subscriptions are ended. */
  void unsubscribe(List<String> filters) throws InterruptedException {
    for (int from = 0; from < filters.size(); from += FILTERS_PER_PACKET) {
      var unused =
          answer(
              client()
                  .unsubscribe(
                      filters.subList(from, Math.min(filters.size(), from + FILTERS_PER_PACKET))));
    }
  }

  /**
   * Without waiting and as well as it goes: for clean sessions, whose subscriptions end with their
   * connection at the latest.
   */
  void leave(List<String> filters) {
    Live l = live;
    if (l != null) {
      var unused = l.client().unsubscribe(filters);
    }
  }

  private MqttClient client() {
    Live l = live;
    if (l == null) {
      throw notConnected();
    }
    return l.client();
  }

  private MqttClient.Answer answer(CompletableFuture<MqttClient.Answer> future)
      throws InterruptedException {
    try {
      MqttClient.Answer answer =
          future.get(settings.operationTimeout().toMillis(), TimeUnit.MILLISECONDS);
      answered();
      return answer;
    } catch (ExecutionException e) {
      throw new CloudUnavailableException("The cloud did not answer a subscription.", e.getCause());
    } catch (TimeoutException e) {
      throw new CloudUnavailableException("The cloud did not answer a subscription in time.", e);
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
    MqttClient client;
    try {
      client = network.connect(options(), this::deliver, new Incoming(lost));
    } catch (MqttClientException | CloudUnavailableException e) {
      move(LinkState.Event.REFUSED);
      logFailure(explain(e));
      return;
    }
    Live l = new Live(client, generation + 1, lost);
    generation = l.generation();
    live = l;
    connectedNanos = System.nanoTime();
    answered();
    move(LinkState.Event.ACCEPTED);
    if (state() == LinkState.CLOSED) {
      client.close(); // close() has not seen this one
      return;
    }
    LOG.info("Connected to {}:{} as {}", settings.dataHost(), settings.mqttPort(), clientId);
    lastFailure = "";
    try {
      listener.connected(client.grants().sessionPresent());
    } catch (InterruptedException e) {
      throw e;
    } catch (Exception e) {
      end(l, "could not be set up: " + e.getMessage());
    }
  }

  private MqttClientOptions options() {
    MqttSettings mqtt = settings.mqtt();
    return new MqttClientOptions(
        mqtt.version(),
        clientId,
        cleanSession,
        cleanSession ? 0 : mqtt.sessionExpirySeconds(),
        (int) mqtt.keepAlive().toSeconds(),
        mqtt.pingTimeout(),
        mqtt.socketTimeout().plus(settings.operationTimeout()),
        mqtt.receiveMaximum(),
        mqtt.maximumPacketSize());
  }

  /** What comes over one connection. */
  private final class Incoming implements MqttClient.Listener {
    private final CompletableFuture<Loss> lost;

    Incoming(CompletableFuture<Loss> lost) {
      this.lost = lost;
    }

    @Override
    public void message(MqttMessage message, Runnable acknowledge) {
      answered();
      try {
        listener.message(message, acknowledge);
      } catch (RuntimeException e) {
        // one bad message must not end the flow of the others
        LOG.warn("A message of the cloud on {} was dropped: {}", message.topic(), e.toString());
        acknowledge.run();
      }
    }

    @Override
    public void ended(MqttClient.End end) {
      lost.complete(new Loss(end.reason(), end.byServer()));
    }
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
    if (System.nanoTime() - connectedNanos > settings.mqtt().stable().toNanos()) {
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

  private static void end(Live l, String reason) {
    l.lost().complete(new Loss(reason, false));
    l.client().abort(reason);
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

  private String explain(RuntimeException e) {
    String reason = String.valueOf(e.getMessage());
    if (e instanceof MqttClientException refused
        && refused.kind() == MqttClientException.Kind.CONNECT_REFUSED) {
      return "the cloud refused the connection: "
          + reason
          + "; check that the certificate is ACTIVE and that its policy allows iot:Connect for the client id "
          + clientId;
    }
    if (reason.contains("NotBefore:") || reason.contains("NotAfter:")) { // LESSON-25
      return reason + "; this device's clock says " + settings.clock().instant() + ", is it right?";
    }
    return reason;
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
      l.client().close();
      l.lost().complete(new Loss("closed", false));
    }
    Thread t = supervisor;
    if (t != null) {
      t.interrupt();
    }
    messages.shutdown();
  }
}
