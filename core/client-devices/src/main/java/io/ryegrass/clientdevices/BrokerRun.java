package io.ryegrass.clientdevices;

import io.ryegrass.durable.DurableFiles;
import io.ryegrass.model.Json;
import io.ryegrass.mqtt.MqttBroker;
import io.ryegrass.mqtt.MqttBrokerException;
import io.ryegrass.nucleus.BuiltInContext;
import io.ryegrass.nucleus.Message;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.Participant;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.node.ObjectNode;

/**
 * The broker from one start of its component to the stop.
 *
 * <p>{@link #attend} compares what is with what should be (addresses told to the cloud,
 * certificate, port) and does what is missing; it is called again and again and picks up where it
 * failed. {@code lock} is held for changes of memory only, {@code attend} runs on one thread at a
 * time.
 */
final class BrokerRun implements AutoCloseable {
  private static final String LISTENER = "devices";

  /** Messages that wait on the bus for one device before the broker has them. */
  private static final int BUS_QUEUE = 1_000;

  private final BuiltInContext context;
  private final DeviceRegistry devices;
  private final ServerCertificateSource cloud;
  private final Clock clock;
  private final String core;
  private final Path identityFile;
  private final Path endpointFile;
  private final DeviceAdmission admission;
  private final ServerCertificates certificates;
  private final ConnectivityNews news;
  private final Runnable onDevicesChanged = this::followDevices;
  private final Semaphore wakeUps = new Semaphore(0);
  private final ReentrantLock lock = new ReentrantLock();
  private final Set<String> attached = new HashSet<>();

  private volatile boolean stopped;
  private volatile @Nullable MqttBroker broker;
  private volatile @Nullable ServerIdentity identity;
  private @Nullable BrokerSettings served;
  private @Nullable BrokerSettings portChosenFor;
  private int port;
  private List<ServerCertificateSource.Endpoint> reported = List.of();

  /** What others told the cloud about this core; empty until it was asked. */
  private Set<String> told = Set.of();

  BrokerRun(
      BuiltInContext context, DeviceRegistry devices, ServerCertificateSource cloud, Clock clock) {
    this.context = context;
    this.devices = devices;
    this.cloud = cloud;
    this.clock = clock;
    this.core = context.config().identity().thingName();
    this.identityFile = context.work().resolve("server-identity.json");
    this.endpointFile = context.work().resolve("endpoint.json");
    this.admission =
        new DeviceAdmission(devices, context.bus(), context.log(), this::certificateIsValid);
    this.certificates = new ServerCertificates(cloud, core);
    this.news = new ConnectivityNews(context.cloud().messaging(), core, context.log(), this::wake);
  }

  boolean serves() {
    return broker != null;
  }

  boolean stopped() {
    return stopped;
  }

  void wake() {
    wakeUps.release();
  }

  void stop() {
    stopped = true;
    wake();
  }

  /** Returns after the time, or at once when something changed. */
  void await(Duration atMost) {
    try {
      if (wakeUps.tryAcquire(atMost.toMillis(), TimeUnit.MILLISECONDS)) {
        wakeUps.drainPermits();
      }
    } catch (InterruptedException e) {
      stopped = true; // only stop() interrupts
      Thread.currentThread().interrupt();
    }
  }

  /** Serves with the certificate of the last time, if there is one. Needs no cloud. */
  void serveFromDisk() {
    identity = ServerIdentity.load(identityFile).orElse(null);
    if (identity != null) {
      serve(identity, settings());
    }
  }

  /** Does what is missing. Throws what the cloud throws. */
  void attend() {
    BrokerSettings wanted = settings();
    if (stopped) {
      return;
    }
    if (served != null && !served.equals(wanted)) {
      closeBroker();
    }
    settlePort(wanted);
    List<String> addresses = wanted.addresses();
    Set<String> names = new LinkedHashSet<>(List.of("localhost", "127.0.0.1"));
    names.addAll(addresses);
    String group = devices.groupIdOr(core);
    ServerIdentity current = identity;
    if (current != null && broker == null) {
      serve(current, wanted);
    }
    // The cloud signs for addresses that it was told, so they come first.
    List<ServerCertificateSource.Endpoint> endpoints =
        addresses.stream().map(a -> ServerCertificateSource.Endpoint.detected(a, port)).toList();
    if (!endpoints.equals(reported)) {
      List<ServerCertificateSource.Endpoint> before = cloud.connectivity(core);
      if (before.stream().anyMatch(ServerCertificateSource.Endpoint::isManual)) {
        told = hosts(before);
      } else {
        cloud.reportConnectivity(core, endpoints);
      }
      reported = endpoints;
    }
    String version = news.pending();
    if (!version.isEmpty()) {
      told = hosts(cloud.connectivity(core));
    }
    names.addAll(told);
    boolean changed = !version.isEmpty() && current != null && !current.addresses().equals(names);
    if (current == null || changed || current.isDueForRenewal(group, names, clock.instant())) {
      ServerIdentity fresh = certificates.obtain(group, names);
      fresh.save(identityFile);
      identity = fresh;
      use(fresh, wanted);
    }
    if (!version.isEmpty()) {
      news.done(version);
    }
    news.attend();
  }

  private static Set<String> hosts(List<ServerCertificateSource.Endpoint> endpoints) {
    Set<String> hosts = new LinkedHashSet<>();
    endpoints.stream()
        .map(ServerCertificateSource.Endpoint::hostAddress)
        .filter(host -> !host.isEmpty())
        .forEach(hosts::add);
    return hosts;
  }

  /** SCY-11: without a cloud at the certificate's end, nobody new comes in; who is there stays. */
  private boolean certificateIsValid() {
    ServerIdentity current = identity;
    return current != null
        && clock.instant().isBefore(current.certificate().getNotAfter().toInstant());
  }

  private BrokerSettings settings() {
    return BrokerSettings.read(context.config(), context.configuration());
  }

  private void use(ServerIdentity fresh, BrokerSettings settings) {
    MqttBroker running = broker;
    if (running == null) {
      serve(fresh, settings);
    } else {
      running.replaceTls(LISTENER, fresh.tls());
      writeEndpoint(settings, fresh);
      context
          .log()
          .info(
              "The local broker has a new certificate, valid until {}",
              fresh.certificate().getNotAfter().toInstant());
    }
  }

  private void serve(ServerIdentity with, BrokerSettings settings) {
    if (stopped) {
      return;
    }
    settlePort(settings);
    MqttBroker started = bind(with, settings);
    port = started.port(LISTENER);
    served = settings;
    broker = started;
    writeEndpoint(settings, with);
    devices.onChange(onDevicesChanged);
    followDevices();
    context
        .log()
        .info("The local broker listens on {}:{} for client devices", settings.host(), port);
  }

  private MqttBroker bind(ServerIdentity with, BrokerSettings settings) {
    try {
      return bind(with, settings, port);
    } catch (MqttBrokerException e) {
      if (settings.port() != 0 || !e.code().equals(MqttBrokerException.BIND_FAILED)) {
        throw e;
      }
      context.log().info("Port {} of the local broker was taken meanwhile; another is used", port);
      return bind(with, settings, 0);
    }
  }

  private MqttBroker bind(ServerIdentity with, BrokerSettings settings, int onPort) {
    return LocalBroker.engine(context, admission)
        .listener(LISTENER, new InetSocketAddress(settings.host(), onPort), with.tls())
        .start();
  }

  private void settlePort(BrokerSettings settings) {
    if (!settings.equals(portChosenFor)) {
      port = choosePort(settings);
      portChosenFor = settings;
    }
  }

  /** A port that was free once is kept: devices remember where their core is. */
  private int choosePort(BrokerSettings settings) {
    if (settings.port() != 0) {
      return settings.port();
    }
    int before = DurableFiles.read(endpointFile).map(BrokerRun::portOf).orElse(0);
    if (before > 0) {
      return before;
    }
    try (ServerSocket probe = new ServerSocket(0, 1, InetAddress.getByName(settings.host()))) {
      return probe.getLocalPort();
    } catch (IOException e) {
      throw new NucleusException(
          "LOCAL_BROKER_FAILED",
          "The local broker cannot listen on "
              + settings.host()
              + " ("
              + e.getMessage()
              + "); set ryegrass.localMqttHost to an address of this machine.",
          e);
    }
  }

  private static int portOf(byte[] json) {
    try {
      return Json.read(json).path("port").asInt(0);
    } catch (JacksonException e) {
      return 0;
    }
  }

  private void writeEndpoint(BrokerSettings settings, ServerIdentity with) {
    ObjectNode json = Json.object();
    json.put("host", settings.addresses().getFirst());
    json.put("port", port);
    json.put("groupId", with.groupId());
    json.put("certificateExpires", with.certificate().getNotAfter().toInstant().toString());
    json.put("caPem", with.caPem());
    DurableFiles.writeAtomically(endpointFile, Json.bytes(json));
  }

  // ---- devices ----

  /**
   * Each device of the group is a participant of the bus, connected or not: a persistent session
   * may wait for messages.
   */
  private void followDevices() {
    wake(); // the group may be another one, and so the certificate
    MqttBroker running = broker;
    lock.lock();
    try {
      Set<String> wanted = running == null || stopped ? Set.of() : devices.devices().keySet();
      attached.removeIf(
          thing -> {
            boolean gone = !wanted.contains(thing);
            if (gone) {
              context.bus().detach(Participant.device(thing));
            }
            return gone;
          });
      for (String thing : wanted) {
        if (attached.add(thing)) {
          context.bus().attach(Participant.device(thing), m -> deliver(thing, m), BUS_QUEUE);
        }
      }
    } finally {
      lock.unlock();
    }
    if (running != null) {
      admission.forEachNoLongerAdmitted(
          thing -> running.disconnect(thing, "the group lists it no more"));
    }
  }

  private void deliver(String thing, Message m) {
    MqttBroker running = broker;
    if (running == null || !running.deliver(thing, m.topic(), m.payload(), Math.min(m.qos(), 1))) {
      context
          .log()
          .debug("Device {} did not subscribe to {}; the message goes nowhere", thing, m.topic());
    }
  }

  private void closeBroker() {
    devices.removeListener(onDevicesChanged);
    MqttBroker running = broker;
    broker = null;
    served = null;
    lock.lock();
    try {
      attached.forEach(thing -> context.bus().detach(Participant.device(thing)));
      attached.clear();
    } finally {
      lock.unlock();
    }
    if (running != null) {
      running.close();
    }
  }

  @Override
  public void close() {
    stopped = true;
    news.close();
    closeBroker();
  }
}
