package io.ryegrass.mqtt;

import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What the log says of one session since the last checkpoint, on top of the list that the
 * checkpoint has. Built while the log is replayed, not changed afterwards.
 */
final class LogChanges {
  private static final class Progress {
    private final int packetId;
    private final boolean sent;
    private boolean released;

    private Progress(int packetId, boolean sent, boolean released) {
      this.packetId = packetId;
      this.sent = sent;
      this.released = released;
    }
  }

  /** Messages that came, in their order; those settled since are out again. */
  private final LinkedHashMap<Long, OwedItem> fresh = new LinkedHashMap<>();

  /** In flight according to the log, in the order of sending. */
  private final LinkedHashMap<Long, Progress> progress = new LinkedHashMap<>();

  /** Messages of the list that are no longer owed. */
  private final Set<Long> settled = new HashSet<>();

  private final Set<Integer> receivedSince = new LinkedHashSet<>();
  private final Set<Integer> receivedGone = new HashSet<>();
  private boolean touchesList;

  void message(OwedItem item) {
    fresh.put(item.sequence, item);
  }

  void received(int packetId) {
    receivedSince.remove(packetId);
    receivedSince.add(packetId);
  }

  void receivedDone(int packetId) {
    receivedSince.remove(packetId);
    receivedGone.add(packetId);
  }

  void sent(long sequence, int packetId) {
    progress.remove(sequence); // sent again: now the last one
    progress.put(sequence, new Progress(packetId, true, false));
    touchesList |= !fresh.containsKey(sequence);
  }

  void released(long sequence, int packetId) {
    Progress known = progress.get(sequence);
    if (known == null) {
      progress.put(sequence, new Progress(packetId, false, true));
    } else {
      known.released = true;
    }
    touchesList |= !fresh.containsKey(sequence);
  }

  void settled(long sequence) {
    progress.remove(sequence);
    if (fresh.remove(sequence) == null) {
      settled.add(sequence);
      touchesList = true;
    }
  }

  /** Whether the list has to be read to know how much is owed. */
  boolean touchesList() {
    return touchesList;
  }

  int freshMessages() {
    return fresh.size();
  }

  long freshBytes() {
    long bytes = 0;
    for (OwedItem item : fresh.values()) {
      Progress p = progress.get(item.sequence);
      bytes += p != null && p.released ? 0 : item.weight;
    }
    return bytes;
  }

  /** The list with these changes. */
  void walk(byte[] list, OwedSink sink) {
    OwedList.Reader in = new OwedList.Reader(list);
    for (int id = in.nextReceived(); id != 0; id = in.nextReceived()) {
      if (!receivedGone.contains(id) && !receivedSince.contains(id)) {
        sink.received(id);
      }
    }
    receivedSince.forEach(sink::received);
    Map<Long, OwedItem> moved = touchesList ? movedByTheLog(list) : Map.of();
    while (in.nextInFlight()) {
      Progress p = progress.get(in.item.sequence);
      if (p == null) {
        if (!settled.contains(in.item.sequence)) {
          sink.inFlight(in.packetId(), in.released(), in.item);
        }
      } else if (!p.sent) {
        sink.inFlight(p.packetId, true, in.item);
      }
    }
    progress.forEach(
        (sequence, p) -> {
          OwedItem item = fresh.get(sequence);
          if (item == null) {
            item = moved.get(sequence);
          }
          if (item != null) {
            sink.inFlight(p.packetId, p.released, item);
          }
        });
    while (in.nextQueued()) {
      long sequence = in.item.sequence;
      if (!settled.contains(sequence) && !progress.containsKey(sequence)) {
        sink.queued(in.item);
      }
    }
    for (OwedItem item : fresh.values()) {
      if (!progress.containsKey(item.sequence)) {
        sink.queued(item);
      }
    }
  }

  /** Items of the list that the log has sent since, wherever they stood. */
  private Map<Long, OwedItem> movedByTheLog(byte[] list) {
    Map<Long, OwedItem> moved = new HashMap<>();
    OwedList.Reader in = new OwedList.Reader(list);
    while (in.nextReceived() != 0) {
      // only the messages are wanted
    }
    while (in.nextInFlight()) {
      @Nullable Progress p = progress.get(in.item.sequence);
      if (p != null && p.sent) {
        moved.put(in.item.sequence, in.item.copy());
      }
    }
    while (in.nextQueued()) {
      if (progress.containsKey(in.item.sequence)) {
        moved.put(in.item.sequence, in.item.copy());
      }
    }
    return moved;
  }
}
