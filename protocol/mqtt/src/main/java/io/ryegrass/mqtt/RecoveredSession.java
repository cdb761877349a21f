package io.ryegrass.mqtt;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A session that was there when the program started: where its list lies, and what the log says on
 * top. When a later checkpoint becomes current before anybody asked, the list lies there ({@link
 * #moved}); what has come since the start stands in that list as well and is passed over.
 */
final class RecoveredSession implements Journal.Stored {
  private static final byte[] EMPTY = new byte[0];
  private final long incarnation;
  private final StoredMessages source;
  private SessionMeta meta;
  private final Map<String, Subscription> subscriptions = new LinkedHashMap<>(4);
  private StoredList list;

  /** Messages from this number on have come since the start. */
  private long before = Long.MAX_VALUE;

  private @Nullable LogChanges changes;
  private int messages;
  private long bytes;

  RecoveredSession(long incarnation, SessionMeta meta, StoredList list, StoredMessages source) {
    this.incarnation = incarnation;
    this.meta = meta;
    this.list = list;
    this.source = source;
  }

  long incarnation() {
    return incarnation;
  }

  SessionMeta meta() {
    return meta;
  }

  void meta(SessionMeta changed) {
    meta = changed;
  }

  Map<String, Subscription> subscriptions() {
    return subscriptions;
  }

  /** While the log is replayed. */
  LogChanges changes() {
    LogChanges known = changes;
    if (known == null) {
      known = new LogChanges();
      changes = known;
    }
    return known;
  }

  /** The log was replayed: counts what is owed. */
  void settle(long nextNumber) {
    before = nextNumber;
    LogChanges known = changes;
    messages = list.messages() + (known == null ? 0 : known.freshMessages());
    bytes = list.bytes() + (known == null ? 0 : known.freshBytes());
    if (known == null || !known.touchesList()) {
      return;
    }
    byte[] content = source.list(list);
    if (content == null) {
      return; // load() will tell
    }
    messages = 0;
    bytes = 0;
    known.walk(
        content,
        new OwedSink() {
          @Override
          public void received(int packetId) {}

          @Override
          public void inFlight(int packetId, boolean released, OwedItem item) {
            messages++;
            bytes += released ? 0 : item.weight;
          }

          @Override
          public void queued(OwedItem item) {
            messages++;
            bytes += item.weight;
          }
        });
  }

  @Override
  public int messages() {
    return messages;
  }

  @Override
  public long bytes() {
    return bytes;
  }

  /** A checkpoint that has all of it became current. Called while nobody reads. */
  void moved(StoredList to) {
    list = to;
    changes = null;
  }

  /** See {@link #before}. */
  long before() {
    return before;
  }

  /**
   * Tells what was owed when the program started; false when the list is damaged. Called while the
   * files are held.
   */
  boolean walk(OwedSink sink) {
    byte[] content = list.length() == 0 ? EMPTY : source.list(list);
    if (content == null) {
      return false;
    }
    LogChanges known = changes;
    if (known != null) {
      known.walk(content, sink);
      return true;
    }
    OwedList.Reader in = new OwedList.Reader(content);
    for (int id = in.nextReceived(); id != 0; id = in.nextReceived()) {
      sink.received(id);
    }
    while (in.nextInFlight()) {
      if (in.item.sequence < before) {
        sink.inFlight(in.packetId(), in.released(), in.item);
      }
    }
    while (in.nextQueued()) {
      if (in.item.sequence < before) {
        sink.queued(in.item);
      }
    }
    return true;
  }

  private record Flight(int packetId, boolean released, OwedItem item) {}

  @Override
  public Journal.Owing load() {
    source.files().reading.readLock().lock();
    try {
      Set<Integer> received = new LinkedHashSet<>();
      List<Flight> flights = new ArrayList<>();
      List<OwedItem> queue = new ArrayList<>(messages);
      boolean readable =
          walk(
              new OwedSink() {
                @Override
                public void received(int packetId) {
                  received.add(packetId);
                }

                @Override
                public void inFlight(int packetId, boolean released, OwedItem item) {
                  flights.add(new Flight(packetId, released, item.copy()));
                }

                @Override
                public void queued(OwedItem item) {
                  queue.add(item.copy());
                }
              });
      Path checkpoint = source.checkpoint();
      if (!readable) {
        throw JournalFiles.damaged(checkpoint, list.position(), remedy());
      }
      LinkedHashMap<Integer, Journal.InFlight> inFlight = new LinkedHashMap<>();
      List<Queued> waiting = new ArrayList<>(queue.size());
      try (StoredMessages.Loading loading = source.loading(this::remedy)) {
        for (Flight f : flights) {
          Message body = f.released ? StoredMessages.NO_LONGER_NEEDED : loading.message(f.item);
          inFlight.put(
              f.packetId,
              new Journal.InFlight(
                  f.item.queued(body), f.released ? Journal.Phase.RELEASED : Journal.Phase.SENT));
        }
        for (OwedItem item : queue) {
          waiting.add(item.queued(loading.message(item)));
        }
      } catch (IOException e) {
        throw JournalFiles.failed(
            "read what is owed to client '" + meta.clientId() + "' from", checkpoint, e);
      }
      return new Journal.Owing(inFlight, received, waiting);
    } finally {
      source.files().reading.readLock().unlock();
    }
  }

  private String remedy() {
    return "restore the folder from a copy, or let the client '"
        + meta.clientId()
        + "' connect once with a clean session, which gives up what is stored for it";
  }
}
