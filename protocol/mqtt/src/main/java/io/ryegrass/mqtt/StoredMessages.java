package io.ryegrass.mqtt;

import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads what the current checkpoint refers to. Its callers hold {@link JournalFiles#reading}.
 *
 * <p>A message that several sessions are owed is one object in memory for all of them, however many
 * ask: whoever asks first reads it, the others find it as long as anybody holds it.
 */
final class StoredMessages {
  /** In place of a message whose PUBREC has come. */
  static final Message NO_LONGER_NEEDED =
      new Message(Topic.of(""), new byte[0], 2, false, Message.NO_PROPERTIES, 0, null);

  private static final int PURGE_AT = 4_096;
  private final JournalFiles files;
  private final ConcurrentHashMap<Long, WeakReference<Message>> shared = new ConcurrentHashMap<>();
  private volatile int purgeAt = PURGE_AT;
  private volatile Path checkpoint;

  StoredMessages(JournalFiles files, Path checkpoint) {
    this.files = files;
    this.checkpoint = checkpoint;
  }

  JournalFiles files() {
    return files;
  }

  Path checkpoint() {
    return checkpoint;
  }

  void checkpoint(Path current) {
    checkpoint = current;
  }

  /** The bytes of a list, or null when they are not as they were written. */
  byte @Nullable [] list(StoredList list) {
    byte[] bytes = rawList(list);
    return bytes != null && JournalFiles.crc(bytes, 0, bytes.length) == list.crc() ? bytes : null;
  }

  /** The bytes of a list, right or damaged; null when the file ends before. */
  byte @Nullable [] rawList(StoredList list) {
    if (list.length() == 0) {
      return new byte[0];
    }
    try {
      return JournalFiles.read(checkpoint, list.position(), list.length());
    } catch (IOException e) {
      throw JournalFiles.failed("read", checkpoint, e);
    }
  }

  Loading loading(Supplier<String> remedy) {
    return new Loading(remedy);
  }

  /** The one object for this message; whoever read it at the same time takes the other's. */
  private Message shared(long sequence, Message read) {
    WeakReference<Message> mine = new WeakReference<>(read);
    while (true) {
      WeakReference<Message> known = shared.putIfAbsent(sequence, mine);
      if (known == null) {
        return read;
      }
      Message message = known.get();
      if (message != null) {
        return message;
      }
      shared.remove(sequence, known);
    }
  }

  private void purge() {
    if (shared.size() > purgeAt) {
      shared.values().removeIf(r -> r.get() == null);
      purgeAt = Math.max(PURGE_AT, shared.size() * 2);
    }
  }

  /** Reads the messages of one session, in order. */
  final class Loading implements AutoCloseable {
    private final Supplier<String> remedy;
    private final MessageCodec.Names names = new MessageCodec.Names();
    private final Map<Integer, MessageFile.Reader> open = new HashMap<>();

    private Loading(Supplier<String> remedy) {
      this.remedy = remedy;
    }

    Message message(OwedItem item) throws IOException {
      LoggedMessage logged = item.logged;
      if (logged != null) {
        return logged.message(names);
      }
      if (!item.shared) {
        return read(item);
      }
      WeakReference<Message> known = shared.get(item.sequence);
      Message message = known == null ? null : known.get();
      return message == null ? shared(item.sequence, read(item)) : message;
    }

    private Message read(OwedItem item) throws IOException {
      Path path = files.messages(item.file);
      MessageFile.Reader reader = open.get(item.file);
      if (reader == null) {
        reader = new MessageFile.Reader(path);
        open.put(item.file, reader);
      }
      Message message = reader.read(item, names);
      if (message == null) {
        throw JournalFiles.damaged(path, item.position, remedy.get());
      }
      return message;
    }

    @Override
    public void close() throws IOException {
      for (MessageFile.Reader reader : open.values()) {
        reader.close();
      }
      purge();
    }
  }
}
