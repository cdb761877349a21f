package io.ryegrass.bench.mqtt;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLContext;

/**
 * Memory of a broker with clients that are connected and do nothing.
 *
 * <p>PSS is read with 0, 1,000 and 2,500 connections in a fresh process, some seconds after the
 * last change, and nobody asks for a collection: it is what the machine has less. Live heap comes
 * from a second fresh process, where a full collection is asked for at 100 connections, when all
 * classes are loaded, and at 2,600: the difference for each session is what a session costs.
 */
final class Idle {
  private static final int[] LEVELS = {0, 1000, 2500};
  private static final int WARM = 100;

  /** Starts a broker by its name. */
  interface Starter {
    Broker start(String name) throws IOException, InterruptedException;
  }

  /** Ends a broker. */
  interface Stopper {
    void stop(Broker broker);
  }

  private final Results results;
  private final Starter starter;
  private final Stopper stopper;
  private final SSLContext tls;
  private final Options options;

  Idle(Results results, Starter starter, Stopper stopper, SSLContext tls, Options options) {
    this.results = results;
    this.starter = starter;
    this.stopper = stopper;
    this.tls = tls;
    this.options = options;
  }

  void measure(boolean encrypted) throws IOException, InterruptedException {
    String name = "idle." + (encrypted ? "tls" : "plain");
    if (!options.wants(name) || (options.quick() && !encrypted)) {
      return;
    }
    for (String peer : options.peers()) {
      if (peer.equals(Peers.REFLECTOR)) {
        continue;
      }
      try {
        pss(name, peer, encrypted);
        heap(name, peer, encrypted);
      } catch (IOException e) {
        results.add(name + "." + peer + ".failed", 1, "runs");
        System.err.println("  " + name + "." + peer + " failed: " + e.getMessage());
      }
    }
  }

  private void pss(String name, String peer, boolean encrypted)
      throws IOException, InterruptedException {
    Broker broker = starter.start(peer);
    try (Loop loop = new Loop()) {
      if (!broker.serves(encrypted)) {
        return;
      }
      Clients clients = clients(loop, broker, encrypted);
      List<Wire> open = new ArrayList<>();
      for (int level : LEVELS) {
        open.addAll(clients.idle("i" + level + "-", level - open.size()));
        settle(loop);
        long gone = open.stream().filter(Wire::gone).count();
        if (gone > 0) {
          throw new IOException(gone + " of " + level + " idle connections were closed");
        }
        double megabytes = broker.stats().pss() / 1048576.0;
        results.add(name + "." + level + "." + peer + ".pss", megabytes, "MB");
        System.err.printf("  %s.%d.%s.pss %.1f MB%n", name, level, peer, megabytes);
      }
    } finally {
      stopper.stop(broker);
    }
  }

  private void heap(String name, String peer, boolean encrypted)
      throws IOException, InterruptedException {
    Broker broker = starter.start(peer);
    try (Loop loop = new Loop()) {
      if (!broker.java() || !broker.serves(encrypted)) {
        return;
      }
      Clients clients = clients(loop, broker, encrypted);
      int many = LEVELS[LEVELS.length - 1];
      List<Wire> open = new ArrayList<>(clients.idle("w", WARM));
      settle(loop);
      long before = broker.liveHeap();
      open.addAll(clients.idle("h", many));
      settle(loop);
      long after = broker.liveHeap();
      double session = (double) (after - before) / many;
      results.add(name + "." + peer + ".heap", after / 1048576.0, "MB");
      results.add(name + "." + peer + ".heap_per_session", session, "B");
      System.err.printf("  %s.%s.heap_per_session %.0f B%n", name, peer, session);
    } finally {
      stopper.stop(broker);
    }
  }

  private Clients clients(Loop loop, Broker broker, boolean encrypted) {
    return new Clients(loop, broker.address(encrypted), encrypted ? tls : null);
  }

  private void settle(Loop loop) throws IOException {
    long end = System.nanoTime() + (options.quick() ? 1_000_000_000L : 3_000_000_000L);
    while (System.nanoTime() < end) {
      loop.serve(50);
    }
  }
}
